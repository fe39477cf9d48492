#!/usr/bin/env bash
# Npgsql 10.0.3 (NuGet), PostgreSQL 15 (server binaries from Debian; 15.18 seen).
#
# Behaviour: a DateTime counts in steps of 100 ns, PostgreSQL in microseconds. Npgsql cuts a DateTime parameter toward the year 2000, the
# origin of PostgreSQL's clock: a time after it becomes earlier, one before it becomes later, and so possibly another day. DateTimeOffset
# is cut in the same way. The server rounds a text of the same time to the nearest microsecond.
#
# Output seen (time, stored from a DateTime parameter, stored from the text):
#   1985-06-30T23:59:59.9999991Z | 1985-07-01 00:00:00+00 | 1985-06-30 23:59:59.999999+00
#   1985-06-30T23:59:59.9999999Z | 1985-07-01 00:00:00+00 | 1985-07-01 00:00:00+00
#   2026-06-30T23:59:59.9999991Z | 2026-06-30 23:59:59.999999+00 | 2026-06-30 23:59:59.999999+00
#   2026-06-30T23:59:59.9999999Z | 2026-06-30 23:59:59.999999+00 | 2026-07-01 00:00:00+00
#
# Why it matters: day.AddDays(1).AddTicks(-1) is a common "end of the day". Tests with today's dates pass, because as a parameter it stays
# within its day; for a day before 2000 it is the next day, and so it is as a text for any day. Compare with "before the next day", or cut
# times to whole microseconds before they are sent.
set -euo pipefail

work=$(mktemp -d)
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -x "$bin/initdb" ] || { echo "PostgreSQL's server is missing (apt-get install postgresql)" >&2; rm -rf "$work"; exit 2; }
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }  # initdb refuses to run as root
trap 'as "$bin/pg_ctl" -D "$work/pg/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
cd "$work"
export NUGET_PACKAGES="$work/packages" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en
mkdir pg
[ "$(id -u)" != 0 ] || { chmod 711 "$work"; chown postgres pg; }
as "$bin/initdb" -D "$work/pg/data" -U finding -A trust >/dev/null
as "$bin/pg_ctl" -D "$work/pg/data" -w -l "$work/pg/log" -o "-k $work/pg -c listen_addresses= -c fsync=off" start >/dev/null
cat > finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="Npgsql" Version="[10.0.3]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using System.Globalization;
using Npgsql;

await using var database = NpgsqlDataSource.Create($"Host={args[0]};Username=finding;Database=postgres;Timezone=UTC");
foreach (var day in new[] { "1985-06-30", "2026-06-30" })
    foreach (var fraction in new[] { "9999991", "9999999" })
    {
        var text = $"{day}T23:59:59.{fraction}Z";
        await using var command = database.CreateCommand("select $1::timestamptz::text || ' | ' || $2::timestamptz::text");
        command.Parameters.AddWithValue(DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal));
        command.Parameters.AddWithValue(text);
        Console.WriteLine($"{text} | {await command.ExecuteScalarAsync()}");
    }
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
1985-06-30T23:59:59.9999991Z | 1985-07-01 00:00:00+00 | 1985-06-30 23:59:59.999999+00
1985-06-30T23:59:59.9999999Z | 1985-07-01 00:00:00+00 | 1985-07-01 00:00:00+00
2026-06-30T23:59:59.9999991Z | 2026-06-30 23:59:59.999999+00 | 2026-06-30 23:59:59.999999+00
2026-06-30T23:59:59.9999999Z | 2026-06-30 23:59:59.999999+00 | 2026-07-01 00:00:00+00
TEXT
)
seen=$(dotnet out/finding.dll "$work/pg")
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: the times were stored otherwise than this script states" >&2; exit 1; }
