#!/usr/bin/env bash
# YamlDotNet 18.1.0, beside the npm packages yaml 2.9.1 and js-yaml 4.3.2.
#
# Behaviour: in a flow collection a colon ends a plain key when a bracket, a brace or a comma follows it, because a plain scalar may not go on
# there (YAML 1.2.2, rules ns-plain-char and ns-plain-safe). Both JavaScript parsers read it so. YamlDotNet keeps the colon in the scalar:
# "{a:}" has the key "a:", "[a:]" holds the text "a:", and "{a:[1]}" and "{a:{b: 1}}" are errors. Only before a comma it reads a key.
#
# Output seen (document, YamlDotNet's events, yaml, js-yaml):
#   {a:} | { 'a:' '' } | {"a":null} | {"a":null}
#   [a:] | [ 'a:' ] | [{"a":null}] | [{"a":null}]
#   [a:, b] | [ { 'a' '' } 'b' ] | [{"a":null},"b"] | [{"a":null},"b"]
#   {a:[1]} | error | {"a":[1]} | {"a":[1]}
#   {a:{b: 1}} | error | {"a":{"b":1}} | {"a":{"b":1}}
#
# Why it matters: a file that an editor's check accepts is another one, without an error, for a .NET program. Write a blank behind the colon.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export NUGET_PACKAGES="$work/packages" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en
cat > documents.txt <<'TEXT'
{a:}
[a:]
[a:, b]
{a:[1]}
{a:{b: 1}}
TEXT
cat > finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="YamlDotNet" Version="18.1.0" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

foreach (var text in File.ReadLines("documents.txt"))
{
    var events = new List<string>();
    try
    {
        for (var parser = new Parser(new StringReader(text)); parser.MoveNext();)
        {
            var shown = parser.Current switch
            {
                Scalar scalar => $"'{scalar.Value}'",
                MappingStart => "{",
                MappingEnd => "}",
                SequenceStart => "[",
                SequenceEnd => "]",
                _ => null,
            };
            if (shown is not null) events.Add(shown);
        }

        Console.WriteLine(string.Join(' ', events));
    }
    catch (YamlException)
    {
        Console.WriteLine("error");
    }
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }
echo '{"private":true}' > package.json
npm install --no-fund --no-audit --save-exact yaml@2.9.1 js-yaml@4.3.2 > npm.log 2>&1 || { cat npm.log >&2; exit 2; }

expected=$(sed -n 's/^#   //p' <<'TEXT'
#   {a:} | { 'a:' '' } | {"a":null} | {"a":null}
#   [a:] | [ 'a:' ] | [{"a":null}] | [{"a":null}]
#   [a:, b] | [ { 'a' '' } 'b' ] | [{"a":null},"b"] | [{"a":null},"b"]
#   {a:[1]} | error | {"a":[1]} | {"a":[1]}
#   {a:{b: 1}} | error | {"a":{"b":1}} | {"a":{"b":1}}
TEXT
)
dotnet out/finding.dll > dotnet.txt
node -e '
const { parse } = require("yaml"), { load } = require("js-yaml");
const dotnet = require("fs").readFileSync("dotnet.txt", "utf8").split("\n");
const documents = require("fs").readFileSync("documents.txt", "utf8").trim().split("\n");
documents.forEach((text, index) =>
  console.log([text, dotnet[index], JSON.stringify(parse(text)), JSON.stringify(load(text))].join(" | ")));
' > seen.txt
cat seen.txt
[ "$(cat seen.txt)" = "$expected" ] || { echo "changed: the documents are read otherwise than this script states" >&2; exit 1; }
