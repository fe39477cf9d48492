#!/usr/bin/env bash
# Confluent.Kafka 2.16.0 with librdkafka 2.16.0 (NuGet), Apache Kafka 4.3. Needs a broker: set KAFKA_BOOTSTRAP_SERVERS to its address. The
# script makes a topic with a name of its own and deletes it.
#
# Behaviour: max.message.bytes of a topic limits a batch, not a message, and librdkafka neither knows the topic's limit nor splits a batch
# that the broker refused. Forty messages of 200 bytes each, sent together to a topic with a limit of 5000 bytes, all fail with
# MsgSizeTooLarge, though each of them alone is far below the limit. Sent one by one they go through.
#
# Output seen:
#   one: 1 NoError
#   forty together: 40 MsgSizeTooLarge
#   forty together, batch.size=4000: 40 NoError
#
# Why it matters: the error names the message's size, and looks permanent; whoever puts such a message aside as too large throws away good
# ones, and only under load, when batches fill. Set batch.size (BatchSize) of the producer below the smallest max.message.bytes of the
# topics it writes to, or send the failed ones again alone before giving them up. (The Java producer splits such a batch by itself.)
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
using Confluent.Kafka;
using Confluent.Kafka.Admin;

var servers = Environment.GetEnvironmentVariable("KAFKA_BOOTSTRAP_SERVERS");
var topic = $"finding-batch-{Guid.NewGuid():N}";
using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = servers }).Build();
await admin.CreateTopicsAsync([new TopicSpecification
{
    Name = topic, NumPartitions = 1, ReplicationFactor = 1, Configs = new() { ["max.message.bytes"] = "5000" },
}]);
try
{
    // The linger is long enough that the messages of one call go in one batch.
    await Send("one", count: 1, new() { LingerMs = 1000 });
    await Send("forty together", count: 40, new() { LingerMs = 1000 });
    await Send("forty together, batch.size=4000", count: 40, new() { LingerMs = 1000, BatchSize = 4000 });
}
finally { await admin.DeleteTopicsAsync([topic]); }

async Task Send(string title, int count, ProducerConfig config)
{
    config.BootstrapServers = servers;
    using var producer = new ProducerBuilder<Null, byte[]>(config).Build();
    var sends = Enumerable.Range(0, count).Select(_ => Outcome(producer)).ToList();
    var outcomes = (await Task.WhenAll(sends)).GroupBy(code => code).Select(group => $"{group.Count()} {group.Key}");
    Console.WriteLine($"{title}: {string.Join(", ", outcomes)}");
}

async Task<ErrorCode> Outcome(IProducer<Null, byte[]> producer)
{
    try
    {
        await producer.ProduceAsync(topic, new() { Value = new byte[200] });
        return ErrorCode.NoError;
    }
    catch (ProduceException<Null, byte[]> error) { return error.Error.Code; }
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
one: 1 NoError
forty together: 40 MsgSizeTooLarge
forty together, batch.size=4000: 40 NoError
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: Kafka took or refused other messages than this script states" >&2; exit 1; }
