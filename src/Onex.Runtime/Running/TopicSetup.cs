using Microsoft.Extensions.Logging;
using Onex.Contracts.Text;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Kafka.Brokers;
using Onex.Workers;

namespace Onex.Runtime.Running;

/// <summary>Creates missing topics, and checks that the topics are usable.</summary>
internal sealed class TopicSetup(
    TopicAdmin topics, RuntimeSettings settings, LoadedContracts started, ILogger<TopicSetup> logger) : IRoleBootstrap
{
    public string Name => "The broker";

    public Task StartAsync(CancellationToken cancellation) => ClassifyAsync(async () =>
    {
        if (settings.CreateTopics)
        {
            await CreateAsync(topics, settings, cancellation);
        }

        await PrepareAsync(started.Topics, cancellation);

        var (_, problems) = await CheckAsync(topics, settings, cancellation);
        problems = [.. problems, .. await SessionProblemsAsync(cancellation)];
        if (problems.Count > 0)
        {
            throw new ConfigurationException(problems);
        }

        await CompareRetentionAsync(cancellation);
        return 0;
    });

    /// <summary>Creates missing topics that changed contracts need, or warns about them.</summary>
    public Task EnsureAsync(IReadOnlyList<string> needed, CancellationToken cancellation) => ClassifyAsync(async () =>
    {
        await PrepareAsync(needed, cancellation);
        return 0;
    });

    public static async Task CreateAsync(TopicAdmin topics, RuntimeSettings settings, CancellationToken cancellation)
    {
        var names = settings.Topics;
        var otherTopics = names.All.Where(topic => topic != names.WorkerRequests && topic != names.WorkerCancels).ToList();
        await topics.EnsureTopicsAsync(otherTopics, settings.Partitions, settings.Replication, cancellation);
        await topics.EnsureTopicsAsync([names.WorkerRequests], settings.WorkerPartitions, settings.Replication, cancellation);

        // One partition, because every worker reads the whole topic, which has few records.
        await topics.EnsureTopicsAsync([names.WorkerCancels], 1, settings.Replication, cancellation);
    }

    /// <summary>Returns the number of partitions of each existing topic of the runtime, and a line per problem.</summary>
    public static async Task<(IReadOnlyDictionary<string, int> Counts, IReadOnlyList<string> Problems)> CheckAsync(
        TopicAdmin topics, RuntimeSettings settings, CancellationToken cancellation)
    {
        var counts = await topics.PartitionCountsAsync(settings.Topics.All, cancellation);
        var problems = settings.Topics.All.Where(topic => !counts.ContainsKey(topic))
            .Select(topic => $"There is no topic {topic}. Run 'onex topics create', or set ONEX_CREATE_TOPICS=true.")
            .ToList();

        // A saga's home is a partition number: one consumer must be assigned the same partition of all these topics.
        var read = settings.Topics.ReadByMain.Where(counts.ContainsKey).ToList();
        if (read.Select(topic => counts[topic]).Distinct().Count() > 1)
        {
            problems.Add(
                "Main's topics must have equal numbers of partitions, but "
                + $"{string.Join(", ", read.Select(topic => $"{topic} has {counts[topic]}"))}. "
                + "Add partitions to those that have fewer, while no runtime runs.");
        }

        return (
            counts.OrderBy(topic => topic.Key, StringComparer.Ordinal).ToDictionary(
                topic => topic.Key, topic => topic.Value, StringComparer.Ordinal),
            problems);
    }

    /// <summary>
    /// Runs work. Throws a <see cref="ConfigurationException"/> for errors that somebody must correct, and a
    /// <see cref="NotReachableException"/> for temporary ones.
    /// </summary>
    public static async Task<int> ClassifyAsync(Func<Task<int>> work)
    {
        try
        {
            return await work();
        }
        catch (BrokerUnavailableException error)
        {
            throw new NotReachableException(
                $"{error.Message} Check that Kafka runs, KAFKA_BOOTSTRAP_SERVERS, and the user and certificates.", error);
        }
        catch (TooFewBrokersException error)
        {
            throw new NotReachableException($"{error.Message} Start more brokers, or lower ONEX_REPLICATION.", error);
        }
        catch (InvalidOperationException error)
        {
            // The broker's reason: authorization, a topic name.
            throw new ConfigurationException(error.Message, error);
        }
    }

    // Only warns about topics that it may not create, because their owner may create them later.
    private async Task PrepareAsync(IReadOnlyList<string> needed, CancellationToken cancellation)
    {
        if (settings.CreateTopics)
        {
            await topics.EnsureTopicsAsync(needed, settings.Partitions, settings.Replication, cancellation);
            return;
        }

        var counts = await topics.PartitionCountsAsync(needed, cancellation);
        foreach (var missing in needed.Where(topic => !counts.ContainsKey(topic)))
        {
            Log.EmittedTopicMissing(logger, missing);
        }
    }

    private async Task<IEnumerable<string>> SessionProblemsAsync(CancellationToken cancellation) =>
        await topics.SessionTimeoutsAsync(cancellation) is var (shortest, longest)
            ? SessionProblems(settings.Kafka!.SessionTimeout, shortest, longest, settings.Runs(RuntimeProfile.Workers))
            : [];

    /// <summary>Why the brokers do not let the process join its groups, by the shortest and longest session that they accept.</summary>
    internal static IEnumerable<string> SessionProblems(TimeSpan session, TimeSpan shortest, TimeSpan longest, bool runsWorkers)
    {
        if (session < shortest || session > longest)
        {
            yield return $"KAFKA_SESSION_TIMEOUT is {Durations.Format(session)}, but the brokers accept only "
                + $"{Durations.Format(shortest)} to {Durations.Format(longest)}. Set it accordingly, or change the "
                + "brokers' group.min.session.timeout.ms or group.max.session.timeout.ms.";
        }
        else if (runsWorkers && shortest > WorkersRole.SessionMax)
        {
            yield return $"Workers join their group with a session timeout of at most {Durations.Format(WorkersRole.SessionMax)}, but the "
                + $"brokers accept only {Durations.Format(shortest)} to {Durations.Format(longest)}. Lower the brokers' "
                + "group.min.session.timeout.ms.";
        }
    }

    private async Task CompareRetentionAsync(CancellationToken cancellation)
    {
        foreach (var topic in settings.Runs(RuntimeProfile.Main) ? settings.Topics.ReadByMain : [])
        {
            if (await topics.RetentionAsync(topic, cancellation) is { } kept && kept >= settings.Retention)
            {
                Log.RetentionTooShort(
                    logger, topic, kept == TimeSpan.MaxValue ? "ever" : Durations.Describe(kept), Durations.Describe(settings.Retention));
            }
        }
    }
}
