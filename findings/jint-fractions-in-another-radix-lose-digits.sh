#!/usr/bin/env bash
# Jint 4.18.0 (NuGet).
#
# Behaviour: by ECMA-262 (Number::toString) the digits of a number give the number back, in every radix. Jint's toString(2) of a fraction
# ends after 50 digits, which give another number; V8 writes the 55 digits that are needed. Radix 10 is right.
#
# Output seen, for 0.1:
#   radix 2: 50 digits, read back: another number
#   radix 10: 1 digits, read back: the same number
#
# Why it matters: scripts use another radix for keys and compact ids, such as x.toString(36). Two fractions may get one key here, and one
# fraction gets two keys, here and elsewhere.
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
  <ItemGroup><PackageReference Include="Jint" Version="[4.18.0]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using Jint;

var engine = new Engine();
string Text(string script) => engine.Evaluate(script).ToString();
foreach (var radix in new[] { 2, 10 })
{
    var digits = Text($"(0.1).toString({radix})").Split((char)46)[1];
    var value = 0.0;
    for (var i = digits.Length - 1; i >= 0; i--)
    {
        value = (value + (digits[i] - 48)) / radix;
    }

    var same = radix == 10 ? double.Parse("0." + digits) == 0.1 : value == 0.1;
    Console.WriteLine($"radix {radix}: {digits.Length} digits, read back: {(same ? "the same number" : "another number")}");
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
radix 2: 50 digits, read back: another number
radix 10: 1 digits, read back: the same number
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: Jint gave other results than this script states" >&2; exit 1; }
