#!/usr/bin/env bash
# PostgreSQL 15 (server binaries from Debian; 15.18 seen), jsonpath over jsonb.
#
# Behaviour: datetime() of a jsonpath takes ISO 8601 texts with an offset in digits ("+00:00"), with or without a fraction, but none with
# the letter Z, which a cast to timestamptz takes. By itself it raises an error. In a filter the error makes the condition unknown, so that
# the document does not match, without a message: its time is neither later nor earlier than any other.
#
# Output seen (text, whether datetime() in a filter finds it later than 2026-01-01, and earlier, and the cast to timestamptz later):
#   2026-11-30T12:00:00+00:00 t f t
#   2026-11-30T12:00:00.5+00:00 t f t
#   2026-11-30T12:00:00Z f f t
#   2026-11-30T12:00:00.5Z f f t
#   2026-11-30T12:00:00Z outside a filter: ERROR: datetime format is not recognized: "2026-11-30T12:00:00Z"
#
# Why it matters: Z is what .NET, JavaScript, Go and the time of CloudEvents commonly write for UTC. What to_jsonb(now()) makes has
# digits, so a test with data made in the database passes, and the messages of other programs are never found. Cast the text instead:
# (document->>'time')::timestamptz.
set -euo pipefail

work=$(mktemp -d)
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -x "$bin/initdb" ] || { echo "PostgreSQL's server is missing (apt-get install postgresql)" >&2; rm -rf "$work"; exit 2; }
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }  # initdb refuses to run as root
trap 'as "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
[ "$(id -u)" != 0 ] || chown postgres "$work"
cd "$work"
as "$bin/initdb" -D "$work/data" -U finding -A trust >/dev/null
as "$bin/pg_ctl" -D "$work/data" -w -l "$work/log" -o "-k $work -c listen_addresses= -c fsync=off -c timezone=UTC" start >/dev/null
query() { as "$bin/psql" -h "$work" -U finding -d postgres -X -A -t -F ' ' -c "$1" 2>&1; }

expected='2026-11-30T12:00:00+00:00 t f t
2026-11-30T12:00:00.5+00:00 t f t
2026-11-30T12:00:00Z f f t
2026-11-30T12:00:00.5Z f f t
2026-11-30T12:00:00Z outside a filter: ERROR: datetime format is not recognized: "2026-11-30T12:00:00Z"'
seen=$(query "
  select text, jsonb_path_exists_tz(document, '\$.time ? (@.datetime() > \"2026-01-01\".datetime())'),
    jsonb_path_exists_tz(document, '\$.time ? (@.datetime() <= \"2026-01-01\".datetime())'), (document->>'time')::timestamptz > '2026-01-01'
  from unnest(array['2026-11-30T12:00:00+00:00', '2026-11-30T12:00:00.5+00:00', '2026-11-30T12:00:00Z', '2026-11-30T12:00:00.5Z'])
    with ordinality as sent(text, place), jsonb_build_object('time', text) as document
  order by place")
seen+=$'\n'"2026-11-30T12:00:00Z outside a filter: "
alone=$(query "select jsonb_path_query_tz('{\"time\": \"2026-11-30T12:00:00Z\"}', '\$.time.datetime()')" || true)  # an error, as expected
seen+=$(sed -n 's/^ERROR:  */ERROR: /p' <<< "$alone")
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: datetime() took other texts than this script states" >&2; exit 1; }
