#!/usr/bin/env bash
# .NET 10 (System.Runtime and System.Runtime.Numerics; no package).
#
# Behaviour: TryParse of every number type takes a text that ends with characters U+0000 and ignores them, even with NumberStyles.None,
# which allows no white space and no sign. Boolean and DateTime do the same, whereas Guid and TimeSpan refuse such a text, and so does a
# number with anything after the U+0000.
#
# Output seen (text, type, answer):
#   1\0 long: True 1
#   1\0\0 long: True
#   1\0 long, from UTF-8: True
#   1\0 ulong: True
#   1\0 double: True
#   1\0 decimal: True
#   1\0 BigInteger: True
#   true\0 bool: True
#   2026-01-01\0 DateTime: True
#   1\0002 long: False
#   1 and a space, long: False
#   01:00\0 TimeSpan: False
#   (zeros)\0 Guid: False
#
# Why it matters: "1" and "1\0" are two texts but one number. Whoever takes TryParse as proof that a text is a plain number and then uses
# the text itself (as a key, a file name, a value for a text column of PostgreSQL, which stores no U+0000) has two keys for one number, or
# an error far from the reading. Format the parsed value again, and use that.
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
using System.Globalization;
using System.Numerics;

var plain = NumberStyles.None;
var culture = CultureInfo.InvariantCulture;
Console.WriteLine($"1\\0 long: {long.TryParse("1\0", plain, culture, out var number)} {number}");
Console.WriteLine($"1\\0\\0 long: {long.TryParse("1\0\0", plain, culture, out _)}");
Console.WriteLine($"1\\0 long, from UTF-8: {long.TryParse("1\0"u8, plain, culture, out _)}");
Console.WriteLine($"1\\0 ulong: {ulong.TryParse("1\0", plain, culture, out _)}");
Console.WriteLine($"1\\0 double: {double.TryParse("1\0", plain, culture, out _)}");
Console.WriteLine($"1\\0 decimal: {decimal.TryParse("1\0", plain, culture, out _)}");
Console.WriteLine($"1\\0 BigInteger: {BigInteger.TryParse("1\0", plain, culture, out _)}");
Console.WriteLine($"true\\0 bool: {bool.TryParse("true\0", out _)}");
Console.WriteLine($"2026-01-01\\0 DateTime: {DateTime.TryParse("2026-01-01\0", culture, out _)}");
Console.WriteLine($"1\\0002 long: {long.TryParse("1\0" + "2", plain, culture, out _)}");
Console.WriteLine($"1 and a space, long: {long.TryParse("1 ", plain, culture, out _)}");
Console.WriteLine($"01:00\\0 TimeSpan: {TimeSpan.TryParse("01:00\0", culture, out _)}");
Console.WriteLine($"(zeros)\\0 Guid: {Guid.TryParse(Guid.Empty + "\0", out _)}");
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
1\0 long: True 1
1\0\0 long: True
1\0 long, from UTF-8: True
1\0 ulong: True
1\0 double: True
1\0 decimal: True
1\0 BigInteger: True
true\0 bool: True
2026-01-01\0 DateTime: True
1\0002 long: False
1 and a space, long: False
01:00\0 TimeSpan: False
(zeros)\0 Guid: False
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: TryParse gave another answer than this script states" >&2; exit 1; }
