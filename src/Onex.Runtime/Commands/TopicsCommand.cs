using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Onex.Contracts.Text;
using Onex.Hosting.Logging;
using Onex.Hosting.Settings;
using Onex.Kafka;
using Onex.Kafka.Brokers;
using Onex.Runtime.Running;

namespace Onex.Runtime.Commands;

/// <summary><c>onex topics create|check|rewind</c>.</summary>
internal static class TopicsCommand
{
    public static Command Make(Option<bool> json)
    {
        var create = new Command("create", "Create missing topics, with their dead-letter topics.");
        create.SetAction((parsed, cancellation) => WithTopics(async (services, settings) =>
        {
            var topics = services.GetRequiredService<TopicAdmin>();
            await TopicSetup.CreateAsync(topics, settings, cancellation);
            return await ShowAsync(topics, settings, parsed.GetValue(json), cancellation);
        }));
        var check = new Command("check", "Show the topics. Fails if one is missing or has the wrong number of partitions.");
        check.SetAction(
            (parsed, cancellation) => WithTopics((services, settings) => ShowAsync(
                services.GetRequiredService<TopicAdmin>(), settings, parsed.GetValue(json), cancellation)));
        return new Command("topics", "The runtime's topics.") { create, check, Rewind(json) };
    }

    private static Command Rewind(Option<bool> json)
    {
        var to = new Option<DateTimeOffset>("--to")
        {
            Description = "The time: every record since then is read again. In UTC unless it has an offset.",
            Required = true,
            CustomParser = result =>
            {
                if (DateTimeOffset.TryParse(
                    result.Tokens[0].Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
                {
                    return time;
                }

                result.AddError($"'{result.Tokens[0].Value}' is no time such as 2026-11-24T12:00:00Z.");
                return default;
            },
        };
        var apply = new Option<bool>("--apply") { Description = "Rewind. Without it, only show what would be rewound." };
        var command = new Command(
            "rewind",
            "Let the orchestrators, which must be stopped, read again what they have read since a time: after a restore of the database.")
        {
            to, apply,
        };
        command.SetAction((parsed, cancellation) => WithTopics((services, settings) => RewindAsync(
            services.GetRequiredService<GroupOffsets>(), settings, parsed.GetValue(to), parsed.GetValue(apply), parsed.GetValue(json),
            cancellation)));
        return command;
    }

    // Rewinds only the topics that the orchestrator reads. Commands that are read again could repeat their effects.
    private static async Task<int> RewindAsync(
        GroupOffsets offsets, RuntimeSettings settings, DateTimeOffset to, bool apply, bool json, CancellationToken cancellation)
    {
        var partitions = await offsets.FindAsync(settings.MainGroup, settings.Topics.ReadByMain, to, cancellation);
        if (apply)
        {
            await offsets.RewindAsync(settings.MainGroup, partitions, cancellation);
        }

        if (json)
        {
            Json.Print(writer =>
            {
                writer.WriteString("group", settings.MainGroup);
                writer.WriteBoolean("applied", apply);
                writer.Objects("partitions", partitions, partition =>
                {
                    writer.WriteString("topic", partition.Topic);
                    writer.WriteNumber("partition", partition.Partition);
                    writer.WriteNumber("committed", partition.Committed);
                    writer.WriteNumber("rewound_to", partition.Offset);
                    writer.WriteBoolean("may_be_cut", partition.IsCut);
                });
            });
        }
        else
        {
            foreach (var partition in partitions)
            {
                Console.WriteLine(
                    $"{partition.Topic,-40} {partition.Partition,4} {partition.Committed,12} -> {partition.Offset,12} "
                    + $"{Plural.Format(partition.Committed - partition.Offset, "record")} again");
            }
        }

        foreach (var cut in partitions.Where(partition => partition.IsCut))
        {
            await Console.Error.WriteLineAsync(
                $"{cut.Topic} [{cut.Partition}] begins at offset {cut.Offset}: earlier records are deleted, and some may be missing.");
        }

        await Console.Error.WriteLineAsync(apply
            ? $"The group '{settings.MainGroup}' is rewound."
            : "Nothing is changed. Stop every orchestrator, and add --apply.");
        return CommandLine.Done;
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

    private static async Task<int> WithTopics(Func<IServiceProvider, RuntimeSettings, Task<int>> work)
    {
        var settings = await CommandLine.SettingsWithSecretsAsync(SettingsUse.Broker);
        await using var services = new ServiceCollection()
            .AddLogging(logging => logging.AddOnexConsole(settings.LogLevel, "text", toStandardError: true))
            .AddSingleton(TimeProvider.System)
            .AddOnexKafka(SettingsMapping.Kafka(settings, "onex-topics"))
            .BuildServiceProvider();
        return await TopicSetup.ClassifyAsync(() => work(services, settings));
    }
}
