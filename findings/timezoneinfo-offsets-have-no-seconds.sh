#!/usr/bin/env bash
# .NET 10 (TimeZoneInfo, over the system's time zone files), beside NodaTime 3.3.7 (NuGet), which brings the same public time zone data
# with it.
#
# Behaviour: TimeZoneInfo knows whole minutes only. The data give local offsets of the past with seconds; TimeZoneInfo gives whole minutes
# instead, sometimes more and sometimes less, up to 52 seconds off below, and without an error. This is not only about the nineteenth
# century: Liberia kept -0:44:30 until January 1972, two years into Unix time.
#
# Output seen (zone, day, TimeZoneInfo's offset, NodaTime's offset):
#   Europe/Zurich 1840-07-01 00:35:00 00:34:08 differ
#   Europe/Zurich 1860-07-01 00:30:00 00:29:46 differ
#   Europe/Zurich 1900-07-01 01:00:00 01:00:00
#   Africa/Monrovia 1971-07-01 -00:44:00 -00:44:30 differ
#   Africa/Monrovia 1973-07-01 00:00:00 00:00:00
#
# Why it matters: a local time that is turned to UTC by .NET and back by PostgreSQL, Java or NodaTime comes back with other seconds, or as
# the day before if it was a midnight. Whoever keeps dates of birth or of old records as instants sees days move. Keep a date as a date.
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
  <ItemGroup><PackageReference Include="NodaTime" Version="[3.3.7]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using NodaTime;
using NodaTime.Extensions;
using System.Globalization;

const string Zurich = "Europe/Zurich", Monrovia = "Africa/Monrovia";
foreach (var (id, year) in new[] { (Zurich, 1840), (Zurich, 1860), (Zurich, 1900), (Monrovia, 1971), (Monrovia, 1973) })
{
    var instant = new DateTimeOffset(year, 7, 1, 0, 0, 0, TimeSpan.Zero);
    var own = TimeZoneInfo.FindSystemTimeZoneById(id).GetUtcOffset(instant);
    var noda = DateTimeZoneProviders.Tzdb[id].GetUtcOffset(instant.ToInstant()).ToTimeSpan();
    var line = string.Create(CultureInfo.InvariantCulture, $"{id} {instant:yyyy-MM-dd} {own:c} {noda:c}");
    Console.WriteLine(own == noda ? line : line + " differ");
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
Europe/Zurich 1840-07-01 00:35:00 00:34:08 differ
Europe/Zurich 1860-07-01 00:30:00 00:29:46 differ
Europe/Zurich 1900-07-01 01:00:00 01:00:00
Africa/Monrovia 1971-07-01 -00:44:00 -00:44:30 differ
Africa/Monrovia 1973-07-01 00:00:00 00:00:00
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: TimeZoneInfo gave other offsets than this script states" >&2; exit 1; }
