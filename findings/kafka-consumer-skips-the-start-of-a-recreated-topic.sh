#!/usr/bin/env bash
# Confluent.Kafka 2.16.0 with librdkafka 2.16.0 (NuGet), Apache Kafka 4.3. Needs a broker: set KAFKA_BOOTSTRAP_SERVERS to its address. The
# script makes a topic with a name of its own and deletes it.
#
# Behaviour: a running consumer read ten messages. The topic is then deleted and created again with the same name, and gets fifteen
# messages. The consumer goes on at its old position, ten, of the new topic: it reads the last five, and never the first ten. It reports
# no error, neither from Consume nor to the error handler, and auto.offset.reset=earliest does not help, since position ten exists. (The
# script pauses the consumer in between, so that the outcome is sure. Without the pause it hangs on chance: if the next fetch comes before
# the new topic has ten messages, the position is out of range and the consumer starts again.)
#
# Output seen:
#   before: old-1 old-2 old-3 old-4 old-5 old-6 old-7 old-8 old-9 old-10
#   after: new-11 new-12 new-13 new-14 new-15
#   errors: 0
#
# Why it matters: to delete and create a topic looks like a way to empty it. A topic has an id of its own beside its name since Kafka 2.8,
# so that one expects the client to notice the other topic. It does not: whoever does this with a consumer running loses as many messages
# as were read before. Stop the group first, or delete records instead of the topic.
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
var topic = $"finding-recreated-{Guid.NewGuid():N}";
using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = servers }).Build();
var errors = 0;
await Create();
try
{
    await Send("old", 10);
    using var consumer = new ConsumerBuilder<Ignore, string>(new ConsumerConfig
    {
        BootstrapServers = servers, GroupId = topic, AutoOffsetReset = AutoOffsetReset.Earliest,
    }).SetErrorHandler((_, _) => Interlocked.Increment(ref errors)).Build();
    consumer.Subscribe(topic);
    Console.WriteLine($"before: {string.Join(" ", Read(consumer, "old-10"))}");

    consumer.Pause(consumer.Assignment);  // so that the outcome is not a race of the next fetch with the new messages
    await admin.DeleteTopicsAsync([topic]);
    await Create();
    await Send("new", 15);
    consumer.Resume(consumer.Assignment);
    Console.WriteLine($"after: {string.Join(" ", Read(consumer, "new-15"))}");
    Console.WriteLine($"errors: {errors}");
    consumer.Close();
}
finally { await admin.DeleteTopicsAsync([topic]); }

List<string> Read(IConsumer<Ignore, string> consumer, string last)
{
    var values = new List<string>();
    var deadline = DateTime.UtcNow.AddSeconds(60);
    while (!values.Contains(last) && DateTime.UtcNow < deadline)
    {
        if (consumer.Consume(TimeSpan.FromMilliseconds(200)) is { } result) values.Add(result.Message.Value);
    }
    return values;
}

async Task Send(string name, int count)
{
    using var producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = servers }).Build();
    for (var number = 1; number <= count; number++) await producer.ProduceAsync(topic, new() { Value = $"{name}-{number}" });
}

async Task Create()
{
    while (true)
    {
        try
        {
            await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = 1, ReplicationFactor = 1 }]);
            return;
        }
        catch (CreateTopicsException error) when (error.Results[0].Error.Code == ErrorCode.TopicAlreadyExists)
        {
            await Task.Delay(100);  // the old topic is not gone yet
        }
    }
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
before: old-1 old-2 old-3 old-4 old-5 old-6 old-7 old-8 old-9 old-10
after: new-11 new-12 new-13 new-14 new-15
errors: 0
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: the consumer read other messages than this script states" >&2; exit 1; }
