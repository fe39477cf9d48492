using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Onex.Kafka.Consuming;

/// <summary>
/// The topic ids by which one client of librdkafka fetches. The library has no call for them, but says each of them in a line of its log, on its
/// own thread, just before it takes the id over: no record is fetched by an id that is not known here. When a topic is deleted and made again it
/// goes on at the same offset of the new log, and would leave out what lies before. A test against a broker holds the line.
/// </summary>
/// <param name="before">The ids by which clients before this one have read, by topic.</param>
internal sealed partial class TopicIds(ConcurrentDictionary<string, Guid> before)
{
    private readonly ConcurrentDictionary<string, Guid> _ids = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Change> _changes = new();

    /// <summary>Whether a topic is another one than before.</summary>
    public bool HaveChanged => !_changes.IsEmpty;

    /// <summary>Takes in a line of the library's log.</summary>
    public void Read(string line)
    {
        // Most lines are others.
        if (!line.Contains(" changed id from ", StringComparison.Ordinal) || IdLine().Match(line) is not { Success: true } match)
        {
            return;
        }

        var (topic, id) = (match.Groups["topic"].Value, Id(match.Groups["id"].Value));
        var known = before.GetOrAdd(topic, id);
        if (known != id)
        {
            _changes.Enqueue(new Change(topic, known, id));
        }

        _ids.TryAdd(topic, id);
    }

    /// <summary>The topics that are others than before, each with the last of its ids. From now on these are what is known.</summary>
    public IReadOnlyList<Change> TakeChanges()
    {
        var changes = new Dictionary<string, Change>(StringComparer.Ordinal);
        while (_changes.TryDequeue(out var change))
        {
            changes[change.Topic] = change;
            before[change.Topic] = change.After;
        }

        return [.. changes.Values];
    }

    /// <summary>The ids of these topics, or null until all are known.</summary>
    public IReadOnlyDictionary<string, Guid>? Of(IReadOnlyCollection<string> names)
    {
        var found = new Dictionary<string, Guid>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (!_ids.TryGetValue(name, out var id))
            {
                return null;
            }

            found[name] = id;
        }

        return found;
    }

    private static Guid Id(string text) =>
        new(Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/') + "=="), bigEndian: true);

    [GeneratedRegex(
        @"Topic (?<topic>\S+) changed id from \S+ to (?<id>[A-Za-z0-9+/_-]{22})$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex IdLine();

    /// <summary>A topic that is another one than before.</summary>
    internal sealed record Change(string Topic, Guid Before, Guid After);
}
