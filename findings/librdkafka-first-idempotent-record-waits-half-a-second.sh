#!/usr/bin/env bash
# Confluent.Kafka 2.16.0 with librdkafka 2.16.0 (NuGet), Apache Kafka 4.3. Needs a broker: set KAFKA_BOOTSTRAP_SERVERS to its address. The
# script makes a topic with a name of its own and deletes it.
#
# Behaviour: the first record of a new producer with EnableIdempotence is delivered about half a second after Produce, on an idle broker on
# the same machine. Without idempotence the first record needs some milliseconds, and so does every later record of either producer.
#
# Output seen (milliseconds, medians of 5 new producers each):
#   idempotence off: first record under 250, second under 250
#   idempotence on: first record over 400, second under 250
#
# Why it matters: the client asks for its producer id when it is created, while no connection is open yet, and asks again only after a
# timer of 500 ms. A process that makes a producer per request, or answers its first request after a start, adds this to the answer; and a
# benchmark that makes a producer per run counts it as latency of what it measures. Make the producer early, and send one record with it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export NUGET_PACKAGES="$work/packages" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en
[ -n "${KAFKA_BOOTSTRAP_SERVERS:-}" ] || { echo "set KAFKA_BOOTSTRAP_SERVERS to the address of a Kafka broker" >&2; exit 2; }
cat > finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="Confluent.Kafka" Version="[2.16.0]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

var servers = Environment.GetEnvironmentVariable("KAFKA_BOOTSTRAP_SERVERS");
var topic = $"finding-first-{Guid.NewGuid():N}";
using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = servers }).Build();
await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = 1, ReplicationFactor = 1 }]);
try
{
    // One of each kind that does not count, so that neither pays for loading the library or for making the topic known.
    await SendTwo(false);
    await SendTwo(true);
    foreach (var isIdempotent in (bool[])[false, true])
    {
        var times = new List<(double First, double Second)>();
        for (var i = 0; i < 5; i++) times.Add(await SendTwo(isIdempotent));
        Console.WriteLine(
            $"idempotence {(isIdempotent ? "on" : "off")}: first record {Class(times.Select(time => time.First))}, "
            + $"second {Class(times.Select(time => time.Second))}");
    }
}
finally { await admin.DeleteTopicsAsync([topic]); }

string Class(IEnumerable<double> times) => times.Order().ElementAt(2) switch { < 250 => "under 250", > 400 => "over 400", _ => "between" };

async Task<(double, double)> SendTwo(bool isIdempotent)
{
    using var producer = new ProducerBuilder<Null, byte[]>(
        new ProducerConfig { BootstrapServers = servers, EnableIdempotence = isIdempotent, LingerMs = 0 }).Build();
    return (await Send(producer), await Send(producer));
}

async Task<double> Send(IProducer<Null, byte[]> producer)
{
    var watch = Stopwatch.StartNew();
    await producer.ProduceAsync(topic, new() { Value = new byte[100] });
    return watch.Elapsed.TotalMilliseconds;
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
idempotence off: first record under 250, second under 250
idempotence on: first record over 400, second under 250
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: the first records needed other times than this script states" >&2; exit 1; }
