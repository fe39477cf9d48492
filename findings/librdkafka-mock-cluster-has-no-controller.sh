#!/usr/bin/env bash
# Confluent.Kafka 2.16.0 with librdkafka 2.16.0 (NuGet), librdkafka's own mock cluster (test.mock.num.brokers). No broker is needed.
#
# Behaviour: the mock cluster has no controller and serves no CreateTopics. The admin client does not say so: CreateTopics waits for a
# controller until its time is over and then fails as timed out, although the broker is there and answers. DescribeConfigs, which the mock
# cluster does not serve either, fails at once and says that it is not supported. To ask for the metadata of an unknown topic creates it,
# with four partitions.
#
# Output seen (CreateTopics with a limit of 2 seconds; its default is a minute):
#   CreateTopics: Local_TimedOut, Failed while waiting for controller: Local: Timed out
#   DescribeConfigs: Local_UnsupportedFeature
#   brokers in the metadata: 1
#   partitions of a topic that was only asked for: 4
#
# Why it matters: a service that creates its topics when it starts hangs in a test over the mock cluster, and the error sends one to look
# for a lost connection. Let the test ask for metadata to create a topic, or run the admin part against a real broker.
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
  <ItemGroup><PackageReference Include="Confluent.Kafka" Version="[2.16.0]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using Confluent.Kafka;
using Confluent.Kafka.Admin;

var limit = TimeSpan.FromSeconds(2);
using var admin = new AdminClientBuilder(new Dictionary<string, string> { ["test.mock.num.brokers"] = "1", ["bootstrap.servers"] = "none" })
    .SetLogHandler((_, _) => { }).Build();
try
{
    var first = new TopicSpecification { Name = "first", NumPartitions = 1 };
    await admin.CreateTopicsAsync([first], new() { RequestTimeout = limit, OperationTimeout = limit });
    Console.WriteLine("CreateTopics: done");
}
catch (KafkaException error) { Console.WriteLine($"CreateTopics: {error.Error.Code}, {error.Error.Reason}"); }

try
{
    await admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Broker, Name = "1" }], new() { RequestTimeout = limit });
    Console.WriteLine("DescribeConfigs: done");
}
catch (KafkaException error) { Console.WriteLine($"DescribeConfigs: {error.Error.Code}"); }

Console.WriteLine($"brokers in the metadata: {admin.GetMetadata(limit).Brokers.Count}");
Console.WriteLine($"partitions of a topic that was only asked for: {admin.GetMetadata("second", limit).Topics[0].Partitions.Count}");
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
CreateTopics: Local_TimedOut, Failed while waiting for controller: Local: Timed out
DescribeConfigs: Local_UnsupportedFeature
brokers in the metadata: 1
partitions of a topic that was only asked for: 4
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: the mock cluster answered otherwise than this script states" >&2; exit 1; }
