#!/usr/bin/env bash
# Jint 4.18.0 (NuGet).
#
# Behaviour: Options.TimeSystem sets the clock of an engine. Date.now(), new Date() and Temporal.Now read it. Formatting without a date,
# new Intl.DateTimeFormat().format(), which by ECMA-402 formats Date.now(), reads the clock of the machine instead.
#
# Output seen, with a clock that stands at 2001-02-03:
#   new Date(): 2001-02-03
#   Temporal.Now: 2001-02-03
#   Intl.DateTimeFormat without a date: another day
#
# Why it matters: whoever sets the clock to replay a script, to test it or to keep it deterministic gets another result each day, from a
# call that looks like the others. Remove Intl from the global object, or pass a date to each call.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export NUGET_PACKAGES="$work/packages" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en
cat > finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
    <InvariantGlobalization>true</InvariantGlobalization>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="Jint" Version="[4.18.0]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using Jint;
using Jint.Runtime;

var engine = new Engine(options =>
{
    options.TimeSystem = new StandingClock();
    options.LocalTimeZone(TimeZoneInfo.Utc);
});
string Text(string script) => engine.Evaluate(script).ToString();
Console.WriteLine($"new Date(): {Text("new Date().toISOString().slice(0, 10)")}");
Console.WriteLine($"Temporal.Now: {Text("Temporal.Now.instant().toString().slice(0, 10)")}");
var format = "new Intl.DateTimeFormat('en-US', { timeZone: 'UTC' }).format";
var same = Text($"{format}() == {format}(new Date())");
Console.WriteLine($"Intl.DateTimeFormat without a date: {(same == "true" ? "the same day" : "another day")}");

sealed class StandingClock : ITimeSystem
{
    private static readonly DefaultTimeSystem _parser = new(TimeZoneInfo.Utc, System.Globalization.CultureInfo.InvariantCulture);
    public TimeZoneInfo DefaultTimeZone => TimeZoneInfo.Utc;
    public DateTimeOffset GetUtcNow() => new(2001, 2, 3, 4, 5, 6, TimeSpan.Zero);
    public TimeSpan GetUtcOffset(long epochMilliseconds) => TimeSpan.Zero;
    public bool TryParse(string date, out long epochMilliseconds) => _parser.TryParse(date, out epochMilliseconds);
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
new Date(): 2001-02-03
Temporal.Now: 2001-02-03
Intl.DateTimeFormat without a date: another day
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: Jint's Intl gave another date than this script states" >&2; exit 1; }
