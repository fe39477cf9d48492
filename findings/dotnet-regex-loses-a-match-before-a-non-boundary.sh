#!/usr/bin/env bash
# .NET 10 (System.Text.RegularExpressions; no package).
#
# Behaviour: "\W+\B" finds nothing in "-- c", though "--" is a match: two signs that are no word characters, then a place between "-" and
# a space, which is no word boundary. To find it, the loop has to give back the space that it took first. The backtracking engine (the
# default, compiled or not, with ECMAScript or without) does not do so; the engine behind RegexOptions.NonBacktracking does, and so do
# JavaScript engines. With the loop's class written so that the engine does not see "\W" ("[- ]"), the default engine finds the match as
# well.
#
# Output seen (pattern, options, text found):
#   \W+\B None: nothing
#   \W+\B Compiled: nothing
#   \W+\B ECMAScript: nothing
#   \W+\B NonBacktracking: "--"
#   [- ]+\B None: "--"
#   [- ]+\B Compiled: "--"
#   [- ]+\B ECMAScript: "--"
#   [- ]+\B NonBacktracking: "--"
#
# Why it matters: the same pattern and text give two answers by a switch that ought to change the speed only. Whoever checks texts by
# patterns from a schema (JSON Schema's "pattern") may refuse in .NET what another implementation accepts; a test against another engine
# is worth its time.
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
using System.Text.RegularExpressions;

foreach (var pattern in new[] { @"\W+\B", @"[- ]+\B" })
    foreach (var options in new[] { RegexOptions.None, RegexOptions.Compiled, RegexOptions.ECMAScript, RegexOptions.NonBacktracking })
    {
        var match = Regex.Match("-- c", pattern, options);
        Console.WriteLine($"{pattern} {options}: {(match.Length > 0 ? $"\"{match.Value}\"" : "nothing")}");
    }
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
\W+\B None: nothing
\W+\B Compiled: nothing
\W+\B ECMAScript: nothing
\W+\B NonBacktracking: "--"
[- ]+\B None: "--"
[- ]+\B Compiled: "--"
[- ]+\B ECMAScript: "--"
[- ]+\B NonBacktracking: "--"
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: a regular expression gave another answer than this script states" >&2; exit 1; }
