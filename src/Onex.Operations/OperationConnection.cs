using System.Data.Common;

namespace Onex.Operations;

/// <summary>
/// A connection as an operation sees it: a named external system. It shows no secrets: its clients send them by themselves. Its limits
/// and its circuit breaker apply as they do to built-in operations.
/// </summary>
public sealed class OperationConnection
{
    internal OperationConnection()
    {
    }

    /// <summary>The name that contracts use.</summary>
    public required string Name { get; init; }

    /// <summary>Its type: <c>http</c>, <c>postgres</c>.</summary>
    public required string Type { get; init; }

    /// <summary>Its <c>public</c> properties as text, by name.</summary>
    public required IReadOnlyDictionary<string, string> Settings { get; init; }

    internal Func<HttpClient>? HttpFactory { get; init; }

    internal Func<DbDataSource>? DatabaseFactory { get; init; }

    /// <summary>
    /// A client of a connection of type <c>http</c>: its address is the base address, and requests carry the idempotency key and the trace.
    /// Those to the origin of the base address also carry its headers and its client certificate; without a base address, all do. It sends
    /// each request at most once, follows no redirects, and connects only to the hosts that the connection allows. It belongs to this
    /// attempt.
    /// </summary>
    /// <exception cref="InvalidOperationException">The connection has another type.</exception>
    public HttpClient Http => field ??= HttpFactory?.Invoke() ?? throw WrongType("HTTP client", "http");

    /// <summary>The sessions of a connection of type <c>postgres</c>. A session returns to the pool when it is disposed.</summary>
    /// <exception cref="InvalidOperationException">The connection has another type.</exception>
    public DbDataSource Database => field ??= DatabaseFactory?.Invoke() ?? throw WrongType("data source", "postgres");

    /// <inheritdoc />
    public override string ToString() => $"connection {Name} ({Type})";

    private InvalidOperationException WrongType(string what, string type) =>
        new($"Connection '{Name}' has the type {Type}, and only one of type {type} has a {what}.");
}
