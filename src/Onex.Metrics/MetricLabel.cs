namespace Onex.Metrics;

/// <summary>
/// A label of metrics. Its values form a closed set: listed here, or known once contracts and connections are loaded
/// (<see cref="OnexMeter.AddLabelValues"/>). Other values are counted as <see cref="Other"/>, so that no request can create a time series.
/// </summary>
/// <param name="Name">The name.</param>
/// <param name="Meaning">What its values are, for people.</param>
/// <param name="Values">Its values, or null if they are known after loading.</param>
public sealed record MetricLabel(string Name, string Meaning, IReadOnlyList<string>? Values = null)
{
    /// <summary>The value of everything that is not in the closed set.</summary>
    public const string Other = "other";

    /// <summary>The value where the label does not apply.</summary>
    public const string None = "none";

    /// <summary>The name of a contract.</summary>
    public static MetricLabel Contract { get; } = new("contract", "the names of the loaded contracts");

    /// <summary>A state of a contract.</summary>
    public static MetricLabel State { get; } = new("state", "the states of the loaded contracts");

    /// <summary>A step of a contract.</summary>
    public static MetricLabel Step { get; } = new("step", "the steps of the loaded contracts");

    /// <summary>An operation, or what a request names: a contract or one of its events.</summary>
    public static MetricLabel Operation { get; } =
        new("operation", "the operations of effects and workers; for requests, the loaded contracts and their events");

    /// <summary>A connection.</summary>
    public static MetricLabel Connection { get; } = new("connection", "the names of the loaded connections; `-`: effects without one");

    /// <summary>A topic.</summary>
    public static MetricLabel Topic { get; } =
        new("messaging.destination.name", "the topics of the settings, of `emit` and of remote operations");

    /// <summary>A consumer group.</summary>
    public static MetricLabel Group { get; } = new("messaging.consumer.group.name", "the consumer groups of the process");

    /// <summary>The messaging system.</summary>
    public static MetricLabel System { get; } = Create("messaging.system", "kafka");

    /// <summary>A component of <c>/health/detailed</c>.</summary>
    public static MetricLabel Component { get; } = new("component", "the components of `/health/detailed`");

    /// <summary>A label with these values.</summary>
    public static MetricLabel Create(string name, params string[] values) =>
        new(name, string.Join(", ", values.Select(value => $"`{value}`")), values);
}
