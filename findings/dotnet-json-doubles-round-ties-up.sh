#!/usr/bin/env bash
# .NET 10.0 (SDK 10.0.401), System.Text.Json and System.Buffers.Text.Utf8Parser.
#
# Behaviour: a number that stands exactly half way between two doubles is rounded to the even one, as IEEE 754 has it, except where a
# fraction of zeros follows its digits: then JsonElement.GetDouble and Utf8Parser give the upper neighbour. double.Parse gives the even one
# for every form.
#
# Output seen (text, bits by JsonElement, by Utf8Parser, by double.Parse):
#   4533000000000000000000 446eb78063645fb6 446eb78063645fb6 446eb78063645fb6
#   4.533E+21 446eb78063645fb6 446eb78063645fb6 446eb78063645fb6
#   4533000000000000000000.0 446eb78063645fb7 446eb78063645fb7 446eb78063645fb6
#
# Why it matters: databases that keep JSON numbers as decimals, such as jsonb in PostgreSQL, give digits and zeros where .NET wrote an
# exponent. A double that went through one comes back as its neighbour, for one value in millions. Parse the raw text with double.Parse.
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
</Project>
XML
cat > Program.cs <<'CS'
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;

foreach (var text in new[] { "4533000000000000000000", "4.533E+21", "4533000000000000000000.0" })
{
    using var json = JsonDocument.Parse(text);
    Utf8Parser.TryParse(Encoding.UTF8.GetBytes(text), out double utf8, out _);
    double[] seen = [json.RootElement.GetDouble(), utf8, double.Parse(text, CultureInfo.InvariantCulture)];
    Console.WriteLine($"{text} {string.Join(' ', seen.Select(value => BitConverter.DoubleToInt64Bits(value).ToString("x16")))}");
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
4533000000000000000000 446eb78063645fb6 446eb78063645fb6 446eb78063645fb6
4.533E+21 446eb78063645fb6 446eb78063645fb6 446eb78063645fb6
4533000000000000000000.0 446eb78063645fb7 446eb78063645fb7 446eb78063645fb6
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: the numbers are read otherwise than this script states" >&2; exit 1; }
