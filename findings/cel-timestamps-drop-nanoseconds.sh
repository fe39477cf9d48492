#!/usr/bin/env bash
# Cel 0.3.3 (NuGet).
#
# Behaviour: timestamps and durations of CEL have nanoseconds. Cel holds a timestamp as a DateTimeOffset, which counts in steps of 100 ns:
# what is smaller is dropped without an error, when a timestamp is read and when a duration is added to it. Durations keep theirs.
#
# Output seen:
#   t + duration('99ns') == t: True
#   t + duration('100ns') == t: False
#   timestamp('2024-01-01T00:00:00.000000001Z') == t: True
#   duration('1ns') == duration('0s'): False
#
# Why it matters: PostgreSQL, Kafka and JavaScript cut at micro- or milliseconds and say so. Here an expression that compares two
# timestamps calls different ones equal, and a moment that moves by less than 100 ns at a time stands still.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export NUGET_PACKAGES="$work/packages" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en
cat > finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
    <Nullable>enable</Nullable><InvariantGlobalization>true</InvariantGlobalization>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="Cel" Version="[0.3.3]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using Cel;

var environment = new CelEnvironment(null, null);
var variables = new Dictionary<string, object?> { ["t"] = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero) };
foreach (var text in new[]
{
    "t + duration('99ns') == t", "t + duration('100ns') == t",
    "timestamp('2024-01-01T00:00:00.000000001Z') == t", "duration('1ns') == duration('0s')",
})
{
    Console.WriteLine($"{text}: {environment.Program(text, variables)}");
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
t + duration('99ns') == t: True
t + duration('100ns') == t: False
timestamp('2024-01-01T00:00:00.000000001Z') == t: True
duration('1ns') == duration('0s'): False
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: Cel gave other results than this script states" >&2; exit 1; }
