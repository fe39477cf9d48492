#!/usr/bin/env bash
# Confluent.Kafka 2.16.0 with librdkafka 2.16.0 (NuGet), Apache Kafka 4.3. Needs a broker: set KAFKA_BOOTSTRAP_SERVERS to its address. The
# script makes topics with names of its own and deletes them.
#
# Behaviour: Pause discards the records of the partition that the client has fetched and not yet returned; after Resume they cross the
# network again. A consumer that reads one record, pauses and resumes at once, fifty times, on a partition with 1,000 records, receives
# tens of thousands of records for the fifty that it returns. Without the pauses it receives each record once.
#
# Output seen:
#   50 records without a pause: 50 returned, 1000 received
#   50 records with a pause after each: 50 returned, more than 20000 received
#
# Why it matters: pausing and resuming is the usual backpressure of a consumer whose handlers are slow, and it is taken for cheap. Under
# load it multiplies the traffic of the broker, and records arrive late besides, because the client first has to fetch again. Pause
# rarely: let the queue run half empty before Resume, or wait a little first. (The Java consumer keeps what it has fetched for a paused
# partition since version 2.4.)
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
using System.Text.Json;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

const int There = 1_000;
const int Wanted = 50;
var servers = Environment.GetEnvironmentVariable("KAFKA_BOOTSTRAP_SERVERS");
var topic = $"finding-pause-{Guid.NewGuid():N}";
using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = servers }).Build();
await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = 1, ReplicationFactor = 1 }]);
try
{
    using (var producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig { BootstrapServers = servers }).Build())
    {
        await Task.WhenAll(Enumerable.Range(0, There).Select(_ => producer.ProduceAsync(topic, new() { Value = new byte[100] })));
    }

    Console.WriteLine($"{Wanted} records without a pause: {Read(pauses: false)}");
    Console.WriteLine($"{Wanted} records with a pause after each: {Read(pauses: true)}");
}
finally { await admin.DeleteTopicsAsync([topic]); }

string Read(bool pauses)
{
    var partition = new TopicPartition(topic, 0);
    long received = 0;
    var statistics = 0;
    var config = new ConsumerConfig { BootstrapServers = servers, GroupId = topic, EnableAutoCommit = false, StatisticsIntervalMs = 100 };
    using var consumer = new ConsumerBuilder<Ignore, byte[]>(config).SetStatisticsHandler((_, text) =>
    {
        using var json = JsonDocument.Parse(text);
        if (json.RootElement.GetProperty("topics").TryGetProperty(topic, out var of)
            && of.GetProperty("partitions").TryGetProperty("0", out var counts))
        {
            received = counts.GetProperty("rxmsgs").GetInt64();
            statistics++;
        }
    }).Build();
    consumer.Assign(new TopicPartitionOffset(partition, 0));
    var returned = 0;
    while (returned < Wanted)
    {
        if (consumer.Consume(TimeSpan.FromSeconds(30)) is null)
        {
            throw new TimeoutException("no record within 30 s");
        }

        returned++;
        if (pauses)
        {
            consumer.Pause([partition]);
            consumer.Resume([partition]);
        }
    }

    // Statistics are delivered by Consume. Paused, so that it returns no more records.
    consumer.Pause([partition]);
    for (var seen = statistics; statistics < seen + 2;)
    {
        consumer.Consume(TimeSpan.FromMilliseconds(50));
    }

    return $"{returned} returned, {(received > 20_000 ? "more than 20000" : received.ToString())} received";
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
50 records without a pause: 50 returned, 1000 received
50 records with a pause after each: 50 returned, more than 20000 received
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: the consumer received other numbers of records than this script states" >&2; exit 1; }
