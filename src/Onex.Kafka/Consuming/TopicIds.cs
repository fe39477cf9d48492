using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Onex.Kafka.Consuming;

/// <summary>
/// The topic ids with which one client of librdkafka fetches. The library has no call for them, but logs each id, on its own thread, just
/// before it begins to use it: this class knows every id before a record is fetched with it. When a topic is deleted and created again, the
/// library continues at the same offset of the new log and would skip the records before it. A test against a broker checks the format of
/// the line.
/// </summary>
/// <param name="previous">The ids with which earlier clients of the group read, by topic. Those of this client are added.</param>
internal sealed partial class TopicIds(ConcurrentDictionary<string, Guid> previous)
{
    private readonly ConcurrentDictionary<string, Guid> _ids = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Change> _changes = new();

    /// <summary>Whether a topic was created again since <see cref="TakeChanges"/>.</summary>
    public bool HaveChanged => !_changes.IsEmpty;

    /// <summary>Reads a line of the library's log.</summary>
    public void Read(string line)
    {
        if (!line.Contains(" changed id from ", StringComparison.Ordinal) || IdLine().Match(line) is not { Success: true } match)
        {
            return;
        }

        var (topic, id) = (match.Groups["topic"].Value, ParseId(match.Groups["id"].Value));
        var known = previous.GetOrAdd(topic, id);
        if (known != id)
        {
            _changes.Enqueue(new Change(topic, known, id));
        }

        _ids.TryAdd(topic, id);
    }

    /// <summary>
    /// Removes and returns the topics that were created again, each with its latest id, which counts as known from now on.
    /// </summary>
    public IReadOnlyList<Change> TakeChanges()
    {
        var changes = new Dictionary<string, Change>(StringComparer.Ordinal);
        while (_changes.TryDequeue(out var change))
        {
            changes[change.Topic] = change;
            previous[change.Topic] = change.After;
        }

        return [.. changes.Values];
    }

    /// <summary>The ids of these topics, or null until all are known.</summary>
    public IReadOnlyDictionary<string, Guid>? For(IReadOnlyCollection<string> names)
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

    private static Guid ParseId(string text) =>
        new(Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/') + "=="), bigEndian: true);

    [GeneratedRegex(
        @"Topic (?<topic>\S+) changed id from \S+ to (?<id>[A-Za-z0-9+/_-]{22})$",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex IdLine();

    /// <summary>A topic that was created again.</summary>
    internal sealed record Change(string Topic, Guid Before, Guid After);
}
