using System.Data.Common;

namespace Onex.Operations.Testing;

/// <summary>Connections for tests of operations.</summary>
public static class TestConnection
{
    /// <summary>A connection of type <c>http</c> whose requests a handler answers.</summary>
    /// <param name="handler">Answers the requests.</param>
    /// <param name="baseAddress">The address of the connection.</param>
    /// <param name="settings">Its <c>public</c> properties.</param>
    public static OperationConnection Http(
        HttpMessageHandler handler, string baseAddress = "http://test.invalid/",
        IReadOnlyDictionary<string, string>? settings = null) => new()
        {
            Name = "test",
            Type = "http",
            Settings = settings ?? new Dictionary<string, string>(),
            HttpFactory = () => new HttpClient(handler, disposeHandler: false) { BaseAddress = new Uri(baseAddress) },
        };

    /// <summary>A connection of type <c>http</c> whose requests a function answers.</summary>
    /// <param name="answer">Answers a request.</param>
    /// <param name="baseAddress">The address of the connection.</param>
    /// <param name="settings">Its <c>public</c> properties.</param>
    public static OperationConnection Http(
        Func<HttpRequestMessage, HttpResponseMessage> answer, string baseAddress = "http://test.invalid/",
        IReadOnlyDictionary<string, string>? settings = null) => Http(new FunctionHandler(answer), baseAddress, settings);

    /// <summary>A connection of type <c>postgres</c>.</summary>
    /// <param name="source">Opens its sessions.</param>
    /// <param name="settings">Its <c>public</c> properties.</param>
    public static OperationConnection Database(DbDataSource source, IReadOnlyDictionary<string, string>? settings = null) => new()
    {
        Name = "test",
        Type = "postgres",
        Settings = settings ?? new Dictionary<string, string>(),
        DatabaseFactory = () => source,
    };

    private sealed class FunctionHandler(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(answer(request));
    }
}
