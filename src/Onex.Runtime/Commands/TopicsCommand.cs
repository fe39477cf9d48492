using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Onex.Hosting.Logging;
using Onex.Hosting.Settings;
using Onex.Kafka;
using Onex.Kafka.Brokers;
using Onex.Runtime.Running;

namespace Onex.Runtime.Commands;

/// <summary><c>onex topics create|check</c>.</summary>
internal static class TopicsCommand
{
    public static Command Make(Option<bool> json)
    {
        var create = new Command("create", "Create missing topics, with their dead-letter topics.");
        create.SetAction((parsed, cancellation) => WithTopics(async (topics, settings) =>
        {
            await TopicSetup.CreateAsync(topics, settings, cancellation);
            return await ShowAsync(topics, settings, parsed.GetValue(json), cancellation);
        }));
        var check = new Command("check", "Show the topics. Fails if one is missing or has the wrong number of partitions.");
        check.SetAction(
            (parsed, cancellation) => WithTopics((topics, settings) => ShowAsync(topics, settings, parsed.GetValue(json), cancellation)));
        return new Command("topics", "The runtime's topics.") { create, check };
    }

    private static async Task<int> ShowAsync(TopicAdmin topics, RuntimeSettings settings, bool json, CancellationToken cancellation)
    {
        var (counts, problems) = await TopicSetup.CheckAsync(topics, settings, cancellation);
        if (json)
        {
            Json.Print(writer =>
            {
                writer.WriteBoolean("ok", problems.Count == 0);
                writer.Objects("topics", counts, topic =>
                {
                    writer.WriteString("topic", topic.Key);
                    writer.WriteNumber("partitions", topic.Value);
                });
                writer.Texts("problems", problems);
            });
        }
        else
        {
            foreach (var (topic, partitions) in counts)
            {
                Console.WriteLine($"{topic,-40} {partitions}");
            }

            foreach (var problem in problems)
            {
                await Console.Error.WriteLineAsync(problem);
            }
        }

        return problems.Count == 0 ? CommandLine.Done : CommandLine.Failed;
    }

    private static async Task<int> WithTopics(Func<TopicAdmin, RuntimeSettings, Task<int>> work)
    {
        var settings = await CommandLine.SettingsWithSecretsAsync(SettingsUse.Broker);
        await using var services = new ServiceCollection()
            .AddLogging(logging => logging.AddOnexConsole(settings.LogLevel, "text", toStandardError: true))
            .AddSingleton(TimeProvider.System)
            .AddOnexKafka(SettingsMapping.Kafka(settings, "onex-topics"))
            .BuildServiceProvider();
        return await TopicSetup.ClassifyAsync(() => work(services.GetRequiredService<TopicAdmin>(), settings));
    }
}
