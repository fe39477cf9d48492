using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using Onex.Effects.Operations;

namespace Onex.Tests.Unit.Effects.Http;

/// <summary>Services whose responses are meant to exhaust memory or time. Each ends its attempt within the limits.</summary>
public sealed class HttpFloodTests
{
    private const int LargestBytes = 1024 * 1024;
    private const string Head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    [InlineData("gzip, gzip")]
    public async Task A_compression_bomb_is_too_large(string encoding)
    {
        var body = new byte[64 * LargestBytes];
        foreach (var coding in encoding.Split(", "))
        {
            body = Compress(body, coding);
        }

        Assert.InRange(body.Length, 0, LargestBytes);
        var head = Encoding.ASCII.GetBytes($"{Head}Content-Encoding: {encoding}\r\nContent-Length: {body.Length}\r\n\r\n");

        var result = await RunAsync(async stream => await stream.WriteAsync((byte[])[.. head, .. body]));

        Assert.Equal((StepOutcomes.Rejected, "response_too_large"), (result.Outcome, result.Code));
    }

    [Theory]
    [InlineData("Transfer-Encoding: chunked\r\n", "10000\r\n", 65536, "\r\n")]
    [InlineData("Connection: close\r\n", "", 65536, "")]
    public async Task A_body_without_end_is_too_large(string header, string before, int length, string after)
    {
        var chunk = Encoding.ASCII.GetBytes($"{before}{new string('x', length)}{after}");

        var result = await RunAsync(async stream =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"{Head}{header}\r\n"));
            while (true)
            {
                await stream.WriteAsync(chunk);
            }
        });

        Assert.Equal((StepOutcomes.Rejected, "response_too_large"), (result.Outcome, result.Code));
    }

    [Theory]
    [InlineData($"{Head}Connection: close\r\n\r\n", "x")] // a body that arrives slowly
    [InlineData("HTTP/1.1 200 OK\r\n", "X: y\r\n")] // headers that arrive slowly
    [InlineData("", "")] // nothing arrives
    public async Task A_response_that_arrives_byte_by_byte_or_not_at_all_ends_with_its_attempt(string head, string piece)
    {
        var result = await RunAsync(
            async stream =>
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
                while (piece.Length > 0)
                {
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(piece));
                    await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
                }

                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System);
            },
            timeoutMs: 300);

        Assert.Equal((StepOutcomes.Failed, "step_timed_out"), (result.Outcome, result.Code));
    }

    [Theory]
    [InlineData(1_000_000, 1)]
    [InlineData(100, 1_000_000)]
    public async Task Headers_beyond_their_limit_end_the_attempt(int length, int count)
    {
        var header = Encoding.ASCII.GetBytes($"X-Flood: {new string('y', length)}\r\n");

        var result = await RunAsync(async stream =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\n"));
            for (var number = 0; number < count; number++)
            {
                await stream.WriteAsync(header);
            }
        });

        Assert.Equal((StepOutcomes.Failed, "connection_lost"), (result.Outcome, result.Code));
    }

    private static byte[] Compress(byte[] body, string coding)
    {
        using var compressed = new MemoryStream();
        using (Stream stream = coding switch
        {
            "gzip" => new GZipStream(compressed, CompressionLevel.Optimal),
            "br" => new BrotliStream(compressed, CompressionLevel.Optimal),
            _ => new ZLibStream(compressed, CompressionLevel.Optimal),
        })
        {
            stream.Write(body);
        }

        return compressed.ToArray();
    }

    // Runs a GET against a server that answers with these bytes until the client closes the connection.
    private static async Task<StepResult> RunAsync(Func<NetworkStream, Task> answer, int timeoutMs = 30_000)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, answer);
        await using var effects = new EffectsHarness(
            $$"""connections: { stock: { type: http, url: "http://{{listener.LocalEndpoint}}" } }""",
            resultMemory: new ResultMemory(4 * LargestBytes, LargestBytes));
        var result = await effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", "stock", timeoutMs));
        Assert.False(serving.IsFaulted, serving.Exception?.ToString());
        return result;
    }

    private static async Task ServeAsync(TcpListener listener, Func<NetworkStream, Task> answer)
    {
        try
        {
            using var client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
            var stream = client.GetStream();
            await using (stream)
            {
                _ = await stream.ReadAsync(new byte[4096], TestContext.Current.CancellationToken);
                await answer(stream);

                // The client closes the connection.
                while (await stream.ReadAsync(new byte[4096], TestContext.Current.CancellationToken) > 0)
                {
                }
            }
        }
        catch (Exception closed) when (closed is IOException or SocketException or ObjectDisposedException)
        {
        }
    }
}
