#!/usr/bin/env bash
# JsonSchema.Net 8.0.5 (NuGet).
#
# Behaviour: "uniqueItems" takes 2 and 2.0 for the same item where they are items themselves, and for different ones where they stand
# inside an item. JSON Schema (2020-12, core, "Instance Equality") compares numbers by their mathematical value at every depth.
#
# Output seen (instance, whether its items are unique):
#   [2, 2.0] False
#   [[1, 2], [1, 2.0]] True
#   [{"a": 2}, {"a": 2.0}] True
#   [[1, 2], [1, 2]] False
#
# Why it matters: whether duplicates are found depends on how a producer writes numbers. Documents that pass here are refused by validators
# that follow the text of the standard.
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
  <ItemGroup><PackageReference Include="JsonSchema.Net" Version="[8.0.5]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using System.Text.Json;
using Json.Schema;

var schema = JsonSchema.FromText("""{ "uniqueItems": true }""");
foreach (var text in new[] { "[2, 2.0]", "[[1, 2], [1, 2.0]]", """[{"a": 2}, {"a": 2.0}]""", "[[1, 2], [1, 2]]" })
{
    using var document = JsonDocument.Parse(text);
    Console.WriteLine($"{text} {schema.Evaluate(document.RootElement).IsValid}");
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
[2, 2.0] False
[[1, 2], [1, 2.0]] True
[{"a": 2}, {"a": 2.0}] True
[[1, 2], [1, 2]] False
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: JsonSchema.Net gave other results than this script states" >&2; exit 1; }
