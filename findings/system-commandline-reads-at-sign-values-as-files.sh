#!/usr/bin/env bash
# System.CommandLine 2.0.15 (NuGet).
#
# Behaviour: a separate argument that begins with "@" is taken for the name of a file of further arguments, also where it stands as the
# value of a string option. If there is no such file, the command line is refused; if there is one, its lines take the place of the value,
# without a word, and may set other options. The same value joined to the option by "=" or ":" is taken as it is. So "--name @alice" and
# "--name=@alice" are two things.
#
# Output seen (the file "people" holds the two lines "bob" and "--admin"):
#   by default: --name @alice => Response file not found 'alice'.
#   by default: --name=@alice => name @alice, admin False
#   by default: --name @people => name bob, admin True
#   by default: --name=@people => name @people, admin False
#   no files: --name @people => name @people, admin False
#
# Why it matters: account names, chat handles, package scopes and passwords begin with "@". A script that passes such a value through gets
# an error that speaks of a file, or options that it never wrote. Set ParserConfiguration.ResponseFileTokenReplacer to null if the command
# does not want such files.
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
  <ItemGroup><PackageReference Include="System.CommandLine" Version="[2.0.15]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using System.CommandLine;

File.WriteAllText("people", "bob\n--admin\n");
var name = new Option<string>("--name");
var admin = new Option<bool>("--admin");
var root = new RootCommand { name, admin };
Show("by default", new(), "--name", "@alice");
Show("by default", new(), "--name=@alice");
Show("by default", new(), "--name", "@people");
Show("by default", new(), "--name=@people");
Show("no files", new() { ResponseFileTokenReplacer = null }, "--name", "@people");

void Show(string title, ParserConfiguration configuration, params string[] words)
{
    var result = root.Parse(words, configuration);
    var outcome = result.Errors.Count > 0
        ? result.Errors[0].Message
        : $"name {result.GetValue(name)}, admin {result.GetValue(admin)}";
    Console.WriteLine($"{title}: {string.Join(" ", words)} => {outcome}");
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
by default: --name @alice => Response file not found 'alice'.
by default: --name=@alice => name @alice, admin False
by default: --name @people => name bob, admin True
by default: --name=@people => name @people, admin False
no files: --name @people => name @people, admin False
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: System.CommandLine gave another answer than this script states" >&2; exit 1; }
