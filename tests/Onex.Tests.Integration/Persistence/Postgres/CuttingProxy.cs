using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Onex.Tests.Integration.Persistence.Postgres;

/// <summary>The moment at which the proxy cuts a connection.</summary>
public enum Cut
{
    /// <summary>The connection is not cut.</summary>
    Never,

    /// <summary>The next request is lost before it reaches the server.</summary>
    BeforeTheServer,

    /// <summary>The server answers the next request, and the answer is lost.</summary>
    BeforeTheAnswer,

    /// <summary>The client is disconnected as soon as the server has the next request, which the server still executes.</summary>
    WhileTheServerWorks,

    /// <summary>From the next request on nothing is forwarded, and both connections stay open.</summary>
    Frozen,
}

/// <summary>A TCP proxy on loopback that cuts connections at a chosen moment, once.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    // The Sync message ends a request in PostgreSQL's protocol. A request may arrive in pieces, and the server waits for all of them.
    private static readonly byte[] _syncMessage = [(byte)'S', 0, 0, 0, 4];

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _host;
    private readonly int _port;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private int _nextCut;
    private byte[]? _cutText;
    private Cut _cutAtText;
    private Action? _atCut;

    public CuttingProxy(string host, int port)
    {
        (_host, _port) = (host, port);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The cut at the next request.</summary>
    public Cut NextRequest
    {
        set => Volatile.Write(ref _nextCut, (int)value);
    }

    /// <summary>Cuts at the next request that contains a text. The action runs before the client notices.</summary>
    public void CutOnly(string text, Cut cut, Action? atCut = null)
    {
        _atCut = atCut;
        _cutText = Encoding.ASCII.GetBytes(text);
        _cutAtText = cut;
    }

    /// <summary>Whether new connections are closed at once.</summary>
    public bool IsRejecting { get; set; }

    /// <summary>The number of connections that were closed at once.</summary>
    public int RejectedCount { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                if (IsRejecting)
                {
                    RejectedCount++;
                    client.Dispose();
                    continue;
                }

                _ = ServeAsync(client);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        try
        {
            await server.ConnectAsync(_host, _port, _stop.Token);
            var answers = ForwardAnswersAsync(server, client);
            await ForwardRequestsAsync(client, server);
            await answers;
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
        finally
        {
            client.Dispose();
        }
    }

    private async Task ForwardRequestsAsync(TcpClient client, TcpClient server)
    {
        var buffer = new byte[64 * 1024];
        while (await client.GetStream().ReadAsync(buffer, _stop.Token) is > 0 and var read)
        {
            if (_cutText is { } text && buffer.AsSpan(0, read).IndexOf(text) >= 0)
            {
                _cutText = null;
                NextRequest = _cutAtText;
            }

            switch ((Cut)Volatile.Read(ref _nextCut))
            {
                case Cut.BeforeTheServer:
                    Volatile.Write(ref _nextCut, (int)Cut.Never);
                    _atCut?.Invoke();
                    client.Dispose();
                    server.Dispose();
                    return;

                case Cut.WhileTheServerWorks:
                    Volatile.Write(ref _nextCut, (int)Cut.Never);
                    await server.GetStream().WriteAsync(buffer.AsMemory(0, read), _stop.Token);
                    while (!buffer.AsSpan(0, read).EndsWith(_syncMessage))
                    {
                        read = await client.GetStream().ReadAsync(buffer, _stop.Token);
                        await server.GetStream().WriteAsync(buffer.AsMemory(0, read), _stop.Token);
                    }

                    client.Dispose();
                    return;

                case Cut.Frozen:
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _stop.Token);
                    break;

                default:
                    await server.GetStream().WriteAsync(buffer.AsMemory(0, read), _stop.Token);
                    break;
            }
        }

        server.Client.Shutdown(SocketShutdown.Send);
    }

    private async Task ForwardAnswersAsync(TcpClient server, TcpClient client)
    {
        var buffer = new byte[64 * 1024];
        while (await server.GetStream().ReadAsync(buffer, _stop.Token) is > 0 and var read)
        {
            if (Interlocked.CompareExchange(ref _nextCut, (int)Cut.Never, (int)Cut.BeforeTheAnswer) == (int)Cut.BeforeTheAnswer)
            {
                _atCut?.Invoke();
                client.Dispose();
                server.Dispose();
                return;
            }

            if ((Cut)Volatile.Read(ref _nextCut) == Cut.Frozen)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _stop.Token);
            }

            await client.GetStream().WriteAsync(buffer.AsMemory(0, read), _stop.Token);
        }

        client.Dispose();
    }
}
