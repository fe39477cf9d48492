#!/usr/bin/env bash
# PostgreSQL 15 (server binaries from Debian), type jsonb.
#
# Behaviour: jsonb keeps a number as a decimal with a scale, not as the text that was written. It writes an exponent out and drops a minus
# before a zero, but it keeps zeros after the point. So a double written with an exponent comes back as a text without point or exponent,
# which most readers take for an integer, whereas the same value written with ".0" comes back as it was.
#
# Output seen (number sent, jsonb text, whether the texts agree):
#   1.5e17 150000000000000000 changed
#   1.0E+17 100000000000000000 changed
#   100000000000000000.0 100000000000000000.0 same
#   -0.0 0.0 changed
#   1e-7 0.0000001 changed
#   1.50 1.50 same
#
# Why it matters: .NET and JavaScript write large doubles with an exponent. Whoever tells "integer" from "double" by the JSON text reads
# another type after the document has been in a jsonb column than before, and only for some values. Compare numbers by value, or keep the
# text in a json or text column.
set -euo pipefail

work=$(mktemp -d)
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -x "$bin/initdb" ] || { echo "PostgreSQL's server is missing (apt-get install postgresql)" >&2; rm -rf "$work"; exit 2; }
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }  # initdb refuses to run as root
trap 'as "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
[ "$(id -u)" != 0 ] || chown postgres "$work"
cd "$work"
as "$bin/initdb" -D "$work/data" -U finding -A trust >/dev/null
as "$bin/pg_ctl" -D "$work/data" -w -l "$work/log" -o "-k $work -c listen_addresses= -c fsync=off" start >/dev/null

expected='1.5e17 150000000000000000 changed
1.0E+17 100000000000000000 changed
100000000000000000.0 100000000000000000.0 same
-0.0 0.0 changed
1e-7 0.0000001 changed
1.50 1.50 same'
seen=$(as "$bin/psql" -h "$work" -U finding -d postgres -X -A -t -F ' ' -c "
  select n, n::jsonb::text, case when n = n::jsonb::text then 'same' else 'changed' end
  from unnest(array['1.5e17', '1.0E+17', '100000000000000000.0', '-0.0', '1e-7', '1.50']) with ordinality as sent(n, place) order by place")
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: jsonb gave other texts than this script states" >&2; exit 1; }
