using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Onex.Tests.Unit.Effects.Http;

/// <summary>An attempt is one request on the wire, whatever its method and however its connection ends.</summary>
public sealed class AttemptRequestTests : IAsyncLifetime
{
    private readonly WireServer _server = new();
    private EffectsHarness _effects = null!;

    public ValueTask InitializeAsync()
    {
        _effects = new EffectsHarness($"connections: {{ stock: {{ type: http, url: 'http://127.0.0.1:{_server.Port}' }} }}");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _effects.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("get")]
    [InlineData("head")]
    [InlineData("post")]
    [InlineData("put")]
    [InlineData("patch")]
    [InlineData("delete")]
    public async Task An_attempt_without_a_response_sends_one_request(string method)
    {
        _server.Answer = _ => WireAnswer.Close;

        var result = await RunAsync(method);

        Assert.Equal((StepOutcomes.Failed, "connection_lost", StepReaches.Sent), (result.Outcome, result.Code, result.Reach));
        Assert.Contains("closed the connection without a response", result.Message, StringComparison.Ordinal);
        Assert.Equal((1, 1), (_server.Requests.Count, _server.Connections));
    }

    [Theory]
    [InlineData("get")]
    [InlineData("post")]
    public async Task A_pooled_connection_closed_during_the_request_sends_one_request_with_an_unknown_outcome(
        string method)
    {
        _server.Answer = request => request == 2 ? WireAnswer.Close : WireAnswer.Ok;
        Assert.Equal(StepOutcomes.Completed, (await RunAsync(method)).Outcome);

        var result = await RunAsync(method);

        Assert.Equal(("connection_lost", StepReaches.Sent), (result.Code, result.Reach));
        Assert.Equal((2, 1), (_server.Requests.Count, _server.Connections));
        Assert.Equal(StepOutcomes.Completed, (await RunAsync(method)).Outcome);
        Assert.Equal((3, 2), (_server.Requests.Count, _server.Connections));
    }

    [Fact]
    public async Task A_pooled_connection_closed_by_the_server_is_not_used()
    {
        _server.Answer = request => request == 1 ? WireAnswer.OkThenClose : WireAnswer.Ok;
        await RunAsync("get");
        await _server.Closed.Task.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Equal(StepOutcomes.Completed, (await RunAsync("get")).Outcome);
        Assert.Equal((2, 2), (_server.Requests.Count, _server.Connections));
    }

    [Fact]
    public async Task Sequential_attempts_share_a_connection()
    {
        _server.Answer = _ => WireAnswer.Ok;

        foreach (var method in (string[])["get", "post", "delete"])
        {
            Assert.Equal(StepOutcomes.Completed, (await RunAsync(method)).Outcome);
        }

        Assert.Equal((3, 1), (_server.Requests.Count, _server.Connections));
    }

    private Task<StepResult> RunAsync(string method) =>
        _effects.RunAsync(EffectsHarness.Command($"http.{method}", """{"path":"/x"}""", "stock"));

    internal enum WireAnswer
    {
        Ok,
        OkThenClose,
        Close,
    }

    /// <summary>Counts the requests that arrive on its sockets. None of them has a body.</summary>
    internal sealed class WireServer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _accepting;
        private int _connections;

        public WireServer()
        {
            _listener.Start();
            _accepting = AcceptAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public int Connections => Volatile.Read(ref _connections);

        public ConcurrentQueue<string> Requests { get; } = new();

        public Func<int, WireAnswer> Answer { get; set; } = _ => WireAnswer.Ok;

        public TaskCompletionSource Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _accepting;
            _listener.Dispose();
            _stop.Dispose();
        }

        private async Task AcceptAsync()
        {
            var served = new List<Task>();
            try
            {
                while (true)
                {
                    var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                    Interlocked.Increment(ref _connections);
                    served.Add(ServeAsync(client));
                }
            }
            catch (OperationCanceledException)
            {
                await Task.WhenAll(served);
            }
        }

        private async Task ServeAsync(TcpClient client)
        {
            using (client)
            {
                try
                {
                    var stream = client.GetStream();
                    while (await ReadAsync(stream) is { } request)
                    {
                        Requests.Enqueue(request);
                        var answer = Answer(Requests.Count);
                        if (answer == WireAnswer.Close)
                        {
                            return;
                        }

                        await stream.WriteAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray(), _stop.Token);
                        if (answer == WireAnswer.OkThenClose)
                        {
                            client.Client.Shutdown(SocketShutdown.Both);
                            Closed.SetResult();
                            return;
                        }
                    }
                }
                catch (Exception exception) when (exception is OperationCanceledException or IOException)
                {
                }
            }
        }

        private async Task<string?> ReadAsync(NetworkStream stream)
        {
            var text = new StringBuilder();
            var chunk = new byte[4096];
            while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                var read = await stream.ReadAsync(chunk, _stop.Token);
                if (read == 0)
                {
                    return null;
                }

                text.Append(Encoding.ASCII.GetString(chunk, 0, read));
            }

            return text.ToString();
        }
    }
}
