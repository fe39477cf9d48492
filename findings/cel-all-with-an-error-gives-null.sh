#!/usr/bin/env bash
# Cel 0.3.3 (NuGet), an implementation of the Common Expression Language for .NET.
#
# Behaviour: where the condition of the macro "all" or "exists_one" ends in an error for an element, and no element decides the result,
# the expression gives null without an exception. "exists" and "map" raise the error. The language definition makes all of them errors: a
# macro absorbs an error only where another element decides.
#
# Output seen:
#   [1, 2].all(e, e / 0 > 1): null
#   [1, 2].exists_one(e, e / 0 > 1): null
#   [1, 2].exists(e, e / 0 > 1): an error
#   [1, 2].map(e, e / 0): an error
#   [1, 2].all(e, e > 0): True
#
# Why it matters: an expression whose type is bool has a third outcome that is no exception. Code that moves between implementations of the
# language, or casts the result to bool, has to expect it.
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
  <ItemGroup><PackageReference Include="Cel" Version="[0.3.3]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using Cel;

var environment = new CelEnvironment(null, null);
foreach (var text in new[]
{
    "[1, 2].all(e, e / 0 > 1)", "[1, 2].exists_one(e, e / 0 > 1)", "[1, 2].exists(e, e / 0 > 1)", "[1, 2].map(e, e / 0)", "[1, 2].all(e, e > 0)",
})
{
    string seen;
    try
    {
        seen = environment.Program(text, new Dictionary<string, object?>())?.ToString() ?? "null";
    }
    catch (Exception)
    {
        seen = "an error";
    }

    Console.WriteLine($"{text}: {seen}");
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
[1, 2].all(e, e / 0 > 1): null
[1, 2].exists_one(e, e / 0 > 1): null
[1, 2].exists(e, e / 0 > 1): an error
[1, 2].map(e, e / 0): an error
[1, 2].all(e, e > 0): True
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: Cel gave other results than this script states" >&2; exit 1; }
