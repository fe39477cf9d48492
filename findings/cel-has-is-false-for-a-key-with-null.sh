#!/usr/bin/env bash
# Cel 0.3.3 (NuGet).
#
# Behaviour: has(e.f) on a map says whether f is a key of the map (CEL language definition, "Field Selection"). Cel says false for a key
# whose value is null, though 'in' finds the key and reading it gives null without an error.
#
# Output seen:
#   'a' in m: True
#   has(m.a): False
#   m.a == null: True
#   has(m.b): False
#
# Why it matters: JSON documents tell null from a missing member. A guard has(order.discount) that was tested with another implementation
# takes the other branch here, without an error.
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
var variables = new Dictionary<string, object?> { ["m"] = new Dictionary<string, object?> { ["a"] = null } };
foreach (var text in new[] { "'a' in m", "has(m.a)", "m.a == null", "has(m.b)" })
{
    Console.WriteLine($"{text}: {environment.Program(text, variables)}");
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
'a' in m: True
has(m.a): False
m.a == null: True
has(m.b): False
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: Cel gave other results than this script states" >&2; exit 1; }
