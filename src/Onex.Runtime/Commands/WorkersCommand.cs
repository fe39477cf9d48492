using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Onex.Contracts.Compiling;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Hosting.Logging;
using Onex.Hosting.Plugins;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Kafka;
using Onex.Kafka.Brokers;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Runtime.Running;
using Onex.Runtime.Verification;

namespace Onex.Runtime.Commands;

/// <summary><c>onex workers verify</c>.</summary>
internal static class WorkersCommand
{
    public static Command Make(Option<bool> json)
    {
        var topic = new Option<string>("--topic")
        {
            Required = true,
            Description = "The topic of the commands, as in the declaration: ONEX_TOPIC_PREFIX is put before it.",
        };
        var names = new Option<string[]>("--operation")
        {
            Description = "An operation to verify; may be repeated. Default: those that CONTRACTS_DIR/operations declares for the topic.",
        };
        var arguments = new Option<string?>("--arguments")
        {
            Description = "Arguments that the operations accept, as JSON. Default: samples of the declared types, if any.",
        };
        var longArguments = new Option<string?>("--long-arguments")
        {
            Description =
                "Arguments with which the operations run for long, as JSON: then a cancellation must stop them. Default: not verified.",
        };
        var within = new Option<int>("--within")
        {
            Description = "How many seconds a result may take: 1 to 3600.",
            DefaultValueFactory = _ => 10,
        };
        var verify = new Command(
            "verify",
            "Play the orchestrator against a running worker, which runs the operations, and show which cases of the protocol pass.")
        {
            topic, names, arguments, longArguments, within,
        };
        verify.SetAction((parsed, cancellation) => VerifyAsync(
            parsed.GetValue(topic)!, parsed.GetValue(names) ?? [], parsed.GetValue(arguments), parsed.GetValue(longArguments),
            Within(parsed.GetValue(within)), parsed.GetValue(json), cancellation));
        return new Command("workers", "Workers outside of Onex, which run remote operations.") { verify };
    }

    private static async Task<int> VerifyAsync(
        string topic, string[] names, string? arguments, string? longArguments, TimeSpan within, bool json,
        CancellationToken cancellation)
    {
        var settings = await CommandLine.SettingsWithSecretsAsync(SettingsUse.Broker);
        var operations = Operations(settings, topic, names, arguments, longArguments);
        await using var services = new ServiceCollection()
            .AddLogging(logging => logging.AddOnexConsole(settings.LogLevel, "text", toStandardError: true))
            .AddSingleton(TimeProvider.System)
            .AddOnexKafka(SettingsMapping.Kafka(settings, "onex-verify"))
            .BuildServiceProvider();
        return await TopicSetup.ClassifyAsync(async () =>
        {
            var (commands, results) = (settings.Topics.Prefix + topic, settings.Topics.WorkerResponses);
            var topics = services.GetRequiredService<TopicAdmin>();
            string[] names = [commands, Topics.CancelTopicOf(commands), results];
            if (settings.CreateTopics)
            {
                await topics.EnsureTopicsAsync(names, settings.Partitions, settings.Replication, cancellation);
            }

            var counts = await topics.PartitionCountsAsync(names, cancellation);
            if (names.FirstOrDefault(name => !counts.ContainsKey(name)) is { } missing)
            {
                throw new ConfigurationException($"There is no topic {missing}. Create it, or set ONEX_CREATE_TOPICS=true.");
            }

            var link = new WorkerLink(services.GetRequiredService<IRecordProducer>(), commands, TimeProvider.System);
            await using var tail = await TopicTail.OpenAsync(
                services.GetRequiredService<KafkaSettings>(), results, counts[results], link.Receive, cancellation);
            return await ShowAsync(
                new WorkerVerification(link, counts[commands], counts[results], within, TimeProvider.System), operations, json,
                cancellation);
        });
    }

    private static async Task<int> ShowAsync(
        WorkerVerification verification, IReadOnlyList<VerifiedOperation> operations, bool json, CancellationToken cancellation)
    {
        var cases = new List<VerifiedCase>();
        foreach (var operation in operations)
        {
            await foreach (var verified in verification.RunAsync(operation, cancellation))
            {
                cases.Add(verified);
                if (!json)
                {
                    Console.WriteLine(
                        verified.Failure is { } failure ? $"FAILED  {verified.Operation}: {verified.Name}\n        {failure}"
                            : $"{(verified.IsSkipped ? "skipped" : "passed ")} {verified.Operation}: {verified.Name}");
                }
            }
        }

        var failed = cases.Count(verified => verified.Failure is not null);
        if (json)
        {
            Json.Print(writer =>
            {
                writer.WriteBoolean("ok", failed == 0);
                writer.Objects("cases", cases, verified =>
                {
                    writer.WriteString("operation", verified.Operation);
                    writer.WriteString("case", verified.Name);
                    writer.WriteBoolean("passed", verified.Failure is null);
                    writer.WriteBoolean("skipped", verified.IsSkipped);
                    if (verified.Failure is { } failure)
                    {
                        writer.WriteString("failure", failure);
                    }
                });
            });
        }
        else
        {
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"{Plural.Format(cases.Count, "case")}, {failed} failed"));
        }

        return failed == 0 ? CommandLine.Done : CommandLine.Failed;
    }

    private static List<VerifiedOperation> Operations(
        RuntimeSettings settings, string topic, string[] names, string? arguments, string? longArguments)
    {
        var remote = RemoteOperationsReader.Read(settings.ContractsDirectory, Catalogue.Create(settings, PluginSet.None));
        foreach (var diagnostic in remote.Diagnostics)
        {
            Console.Error.Write(diagnostic.Render());
        }

        var declarations = remote.Operations;
        if (names.Length == 0)
        {
            names = [.. declarations.Where(operation => operation.Remote!.Topic == topic).Select(operation => operation.Name)];
        }

        if (names.Length == 0)
        {
            throw new ConfigurationException(
                $"{settings.ContractsDirectory}/operations declares no operation with the topic '{topic}'. Name one with --operation.");
        }

        return
        [
            .. names.Select(name =>
            {
                var declaration = declarations.FirstOrDefault(operation => operation.Name == name);
                if (declaration is null)
                {
                    Console.Error.WriteLine(
                        $"{settings.ContractsDirectory}/operations does not declare '{name}'. "
                        + Spelling.DidYouMean(name, declarations.Select(operation => operation.Name))
                        + $"'{name}' gets {(arguments is null ? "no arguments" : "the given arguments")}, and its result is not checked.");
                }

                var samples = declaration is null ? "{}" : RemoteResults.SampleArguments(declaration);
                return new VerifiedOperation(name, Arguments("--arguments", arguments ?? samples), declaration)
                {
                    LongArguments = longArguments is null ? null : Arguments("--long-arguments", longArguments),
                };
            }),
        ];
    }

    private static TimeSpan Within(int seconds) => seconds is >= 1 and <= 3600
        ? TimeSpan.FromSeconds(seconds)
        : throw new ConfigurationException($"--within takes 1 to 3600 seconds, not {seconds}.");

    private static RawJson Arguments(string option, string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return new RawJson(Encoding.UTF8.GetBytes(text));
            }
        }
        catch (JsonException)
        {
            // The exception below reports it.
        }

        throw new ConfigurationException($"{option} is no JSON object. Write for example {option} '{{\"sku\":\"a\"}}'.");
    }
}
