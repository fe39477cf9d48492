#!/usr/bin/env bash
# xunit.v3 3.2.2 (NuGet).
#
# Behaviour: Assert.Skip skips a test when it is called in the test, in the constructor of the test's class or in the class's own
# InitializeAsync. Called in the InitializeAsync of a class fixture it does not skip: every test of the class is reported as failed, with
# the mark that xunit uses inside itself for a skip in the text of the error.
#
# Output seen:
#   ConstructorSkips.First: Skip
#   FixtureSkips.First: Fail
#   FixtureSkips.Second: Fail
#   InitializeAsyncOfTheClassSkips.First: Skip
#   TestSkips.First: Skip
#   $XunitDynamicSkip$no broker here
#
# Why it matters: a class fixture is where one finds out that a database or broker is missing, so it is where one would skip. The run
# turns red instead on exactly the machines for which the skip was written. Let the fixture keep the reason, and let the constructor of
# the test class call Assert.Skip with it.
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
  <ItemGroup><PackageReference Include="xunit.v3" Version="[3.2.2]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using Xunit;

public sealed class Broker : IAsyncLifetime
{
    public ValueTask InitializeAsync()
    {
        Assert.Skip("no broker here");
        return default;
    }

    public ValueTask DisposeAsync() => default;
}

public sealed class FixtureSkips(Broker broker) : IClassFixture<Broker>
{
    [Fact] public void First() => Assert.NotNull(broker);
    [Fact] public void Second() { }
}

public sealed class ConstructorSkips
{
    public ConstructorSkips() => Assert.Skip("no broker here");
    [Fact] public void First() { }
}

public sealed class InitializeAsyncOfTheClassSkips : IAsyncLifetime
{
    public ValueTask InitializeAsync()
    {
        Assert.Skip("no broker here");
        return default;
    }

    public ValueTask DisposeAsync() => default;
    [Fact] public void First() { }
}

public sealed class TestSkips
{
    [Fact] public void First() => Assert.Skip("no broker here");
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
ConstructorSkips.First: Skip
FixtureSkips.First: Fail
FixtureSkips.Second: Fail
InitializeAsyncOfTheClassSkips.First: Skip
TestSkips.First: Skip
$XunitDynamicSkip$no broker here
TEXT
)
dotnet out/finding.dll -noLogo -noColor -xml results.xml > run.log || true  # failed tests make the runner's exit code
seen=$(grep -oE '<test [^>]*' results.xml | sed -E 's/.* name="([^"]*)".* result="([^"]*)".*/\1: \2/' | sort)
seen+=$'\n'$(grep -m 1 -oE '[$]XunitDynamicSkip[$].*' run.log || true)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: xunit reported other outcomes than this script states" >&2; exit 1; }
