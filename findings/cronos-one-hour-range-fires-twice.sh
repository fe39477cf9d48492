#!/usr/bin/env bash
# Cronos 0.13.0 (NuGet).
#
# Behaviour: in the night when the clock goes back, an hour that is written as a range of one ("2-2") fires in both passes of that hour,
# whereas the same hour written as a number ("2") or as a list ("2,2") fires in the first pass only. A minute written as a range of one
# does the same to a fixed hour. Cronos decides by the sign "-", "*" or "/" that it read in the second, minute or hour, not by the set of
# times that the expression stands for.
#
# Output seen (Europe/Zurich, the night before 25 October 2026):
#   30 2 * * *: 02:30+02:00
#   30 2,2 * * *: 02:30+02:00
#   30 2-2 * * *: 02:30+02:00 02:30+01:00
#   30-30 2 * * *: 02:30+02:00 02:30+01:00
#
# Why it matters: two expressions that name the same times of the day are not the same schedule. A tool that builds cron expressions from
# a form, or rewrites them to a normal form, can double a nightly job once a year by writing "2-2" for "2".
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export NUGET_PACKAGES="$work/packages" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en
cat > finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="Cronos" Version="[0.13.0]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using Cronos;
using System.Globalization;

var zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Zurich");
var from = new DateTimeOffset(2026, 10, 24, 22, 0, 0, TimeSpan.Zero);
foreach (var text in new[] { "30 2 * * *", "30 2,2 * * *", "30 2-2 * * *", "30-30 2 * * *" })
{
    var times = CronExpression.Parse(text).GetOccurrences(from, from.AddHours(12), zone);
    Console.WriteLine($"{text}: {string.Join(" ", times.Select(time => time.ToString("HH:mmzzz", CultureInfo.InvariantCulture)))}");
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
30 2 * * *: 02:30+02:00
30 2,2 * * *: 02:30+02:00
30 2-2 * * *: 02:30+02:00 02:30+01:00
30-30 2 * * *: 02:30+02:00 02:30+01:00
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: Cronos gave other times than this script states" >&2; exit 1; }
