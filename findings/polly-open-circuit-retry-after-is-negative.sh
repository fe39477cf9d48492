#!/usr/bin/env bash
# Polly.Core 8.9.1 (NuGet), circuit breaker.
#
# Behaviour: while the one trial of a half-open circuit runs, other calls are rejected with a BrokenCircuitException whose RetryAfter counts
# down from the length of a break since the trial began. A trial that takes longer than a break makes it negative, ever more so.
#
# Output seen (break of 5 s; seconds after the circuit opened, RetryAfter of a rejected call; a trial runs from 6 s on):
#   2 s: 3 s
#   7 s: 4 s
#   20 s: -9 s
#
# Why it matters: whoever waits for RetryAfter before the next attempt waits for nothing, or for an exception of Task.Delay, and spends all
# attempts within the trial. Take a negative one as a short wait of your own.
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
  <ItemGroup>
    <PackageReference Include="Polly.Core" Version="[8.9.1]" />
    <PackageReference Include="Microsoft.Extensions.TimeProvider.Testing" Version="10.0.0" />
  </ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using Microsoft.Extensions.Time.Testing;
using Polly;
using Polly.CircuitBreaker;

var time = new FakeTimeProvider();
var circuit = new ResiliencePipelineBuilder { TimeProvider = time }
    .AddCircuitBreaker(new CircuitBreakerStrategyOptions
    {
        FailureRatio = 1, MinimumThroughput = 2, SamplingDuration = TimeSpan.FromSeconds(10), BreakDuration = TimeSpan.FromSeconds(5),
    })
    .Build();
for (var call = 0; call < 2; call++)
{
    try
    {
        circuit.Execute(() => throw new InvalidOperationException());
    }
    catch (InvalidOperationException)
    {
    }
}

time.Advance(TimeSpan.FromSeconds(2));
Tell(2);
time.Advance(TimeSpan.FromSeconds(4));
var end = new TaskCompletionSource();
var trial = circuit.ExecuteAsync(async _ => await end.Task).AsTask();
time.Advance(TimeSpan.FromSeconds(1));
Tell(7);
time.Advance(TimeSpan.FromSeconds(13));
Tell(20);
end.SetResult();
await trial;

void Tell(int after)
{
    try
    {
        circuit.Execute(() => { });
    }
    catch (BrokenCircuitException rejected)
    {
        Console.WriteLine($"{after} s: {rejected.RetryAfter?.TotalSeconds} s");
    }
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
2 s: 3 s
7 s: 4 s
20 s: -9 s
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: Polly told other times than this script states" >&2; exit 1; }
