using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;

namespace Onex.Contracts.Messages;

/// <summary>
/// The headers of one message, as text, without repeated names. Two instances are equal if they hold the same names and values in any
/// order, because the database does not keep the order.
/// </summary>
public sealed class MessageHeaders : IEquatable<MessageHeaders>
{
    /// <summary>The names that <see cref="Identify"/> writes, separated by commas.</summary>
    public const string IdentityNames =
        HeaderNames.MessageId + "," + HeaderNames.CorrelationId + "," + HeaderNames.Timestamp + "," + HeaderNames.Source;

    /// <summary>The value of <see cref="HeaderNames.SchemaVersion"/> today.</summary>
    public const string SchemaVersion = "1";

    private MessageHeaders(IReadOnlyList<KeyValuePair<string, string>> items) => Items = items;

    /// <summary>No headers.</summary>
    public static MessageHeaders Empty { get; } = new([]);

    /// <summary>The names that <see cref="Create"/> writes; values that a client sends under these names are dropped.</summary>
    public static FrozenSet<string> Standard { get; } = FrozenSet.ToFrozenSet(
        [
            HeaderNames.ContentType, HeaderNames.CorrelationId, HeaderNames.MessageId, HeaderNames.Timestamp, HeaderNames.Source,
            HeaderNames.EventType, HeaderNames.SchemaVersion, HeaderNames.RetryCount,
        ],
        StringComparer.OrdinalIgnoreCase);

    /// <summary>The headers in order.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Items { get; }

    /// <summary>The value of a header, or null.</summary>
    public string? this[string name]
    {
        get
        {
            foreach (var item in Items)
            {
                if (item.Key == name)
                {
                    return item.Value;
                }
            }

            return null;
        }
    }

    /// <summary>The standard headers of a message whose value is one of Onex's own formats.</summary>
    /// <param name="source">The role that sends it.</param>
    /// <param name="eventType">One of <see cref="EventTypes"/>.</param>
    /// <param name="messageId">The identity of the message.</param>
    /// <param name="correlationId">The correlation id of the request that it belongs to, or null if it is not known.</param>
    /// <param name="timestamp">When Onex decided to send it.</param>
    /// <param name="retryCount">How often its handling was retried before.</param>
    public static MessageHeaders Create(
        string source, string eventType, MessageId messageId, Guid? correlationId, DateTimeOffset timestamp, int retryCount = 0)
    {
        var items = new List<KeyValuePair<string, string>>(8) { new(HeaderNames.ContentType, "application/json") };
        AddIdentity(items, source, messageId, correlationId, timestamp);
        items.Add(new(HeaderNames.EventType, eventType));
        items.Add(new(HeaderNames.SchemaVersion, SchemaVersion));
        items.Add(new(HeaderNames.RetryCount, retryCount.ToString(CultureInfo.InvariantCulture)));
        return new MessageHeaders(items);
    }

    /// <summary>The headers that identify a record whose value has a format of its own.</summary>
    public static MessageHeaders Identify(string source, MessageId messageId, Guid correlationId, DateTimeOffset timestamp)
    {
        var items = new List<KeyValuePair<string, string>>(4);
        AddIdentity(items, source, messageId, correlationId, timestamp);
        return new MessageHeaders(items);
    }

    /// <summary>Reads a JSON object of names and texts.</summary>
    public static MessageHeaders Parse(RawJson json)
    {
        if (json.IsNull)
        {
            return Empty;
        }

        using var document = JsonDocument.Parse(json.Utf8);
        return Empty.With(
            document.RootElement.EnumerateObject().Select(item => KeyValuePair.Create(item.Name, item.Value.GetString() ?? "")));
    }

    /// <summary>These headers and others. For a repeated name the other value wins.</summary>
    public MessageHeaders With(IEnumerable<KeyValuePair<string, string>> others)
    {
        List<KeyValuePair<string, string>>? items = null;
        foreach (var other in others)
        {
            if (items is null)
            {
                items = new List<KeyValuePair<string, string>>(Items.Count + 2);
                items.AddRange(Items);
            }

            var index = items.FindIndex(item => item.Key == other.Key);
            if (index < 0)
            {
                items.Add(other);
            }
            else
            {
                items[index] = other;
            }
        }

        return items is null ? this : new MessageHeaders(items);
    }

    /// <summary>These headers and another; null adds nothing.</summary>
    public MessageHeaders With(string name, string? value) => value is null ? this : With([new(name, value)]);

    /// <summary>These headers with a new time.</summary>
    public MessageHeaders WithTimestamp(DateTimeOffset timestamp) => With(HeaderNames.Timestamp, Iso(timestamp));

    /// <summary>These headers and the W3C trace context, where there is one.</summary>
    public MessageHeaders WithTrace(string? traceParent, string? traceState) => (traceParent, traceState) switch
    {
        (null, _) => With(HeaderNames.TraceState, traceState),
        (_, null) => With(HeaderNames.TraceParent, traceParent),
        _ => With([new(HeaderNames.TraceParent, traceParent), new(HeaderNames.TraceState, traceState)]),
    };

    /// <summary>The headers as a JSON object of names and texts.</summary>
    public RawJson ToJson()
    {
        using var rented = RentedJsonWriter.Rent();
        rented.Writer.WriteStartObject();
        foreach (var (name, value) in Items)
        {
            rented.Writer.WriteString(name, value);
        }

        rented.Writer.WriteEndObject();
        return rented.ToJson();
    }

    /// <inheritdoc />
    public bool Equals(MessageHeaders? other) =>
        other is not null && Items.Count == other.Items.Count && Items.All(item => other[item.Key] == item.Value);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as MessageHeaders);

    /// <inheritdoc />
    public override int GetHashCode() => Items.Aggregate(0, (hash, item) => hash ^ HashCode.Combine(item.Key, item.Value));

    /// <inheritdoc />
    public override string ToString() => ToJson().ToString();

    // Writes the names in IdentityNames.
    private static void AddIdentity(
        List<KeyValuePair<string, string>> items, string source, MessageId messageId, Guid? correlationId, DateTimeOffset timestamp)
    {
        if (correlationId is { } correlation)
        {
            items.Add(new(HeaderNames.CorrelationId, correlation.ToString()));
        }

        items.Add(new(HeaderNames.MessageId, messageId.ToString()));
        items.Add(new(HeaderNames.Timestamp, Iso(timestamp)));
        items.Add(new(HeaderNames.Source, source));
    }

    // ISO 8601 without trailing zeros, the form that System.Text.Json writes.
    private static string Iso(DateTimeOffset time)
    {
        const int FractionStart = 19;
        const int ZoneStart = 27;
        Span<char> text = stackalloc char[33];
        time.TryFormat(text, out _, "O", CultureInfo.InvariantCulture);
        var end = ZoneStart;
        while (text[end - 1] == '0')
        {
            end--;
        }

        return string.Concat(text[..(end == FractionStart + 1 ? FractionStart : end)], text[ZoneStart..]);
    }
}
