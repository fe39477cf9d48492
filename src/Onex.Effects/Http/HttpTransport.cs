using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Onex.Effects.Connections;

namespace Onex.Effects.Http;

/// <summary>
/// The sockets of HTTP effects: one pool per connection, and one for requests without a connection. The resolved address is checked when a
/// socket connects, so DNS rebinding has no effect.
/// </summary>
internal sealed class HttpTransport : IDisposable
{
    private readonly ConcurrentDictionary<Connection, HttpMessageInvoker> _invokers = new();
    private readonly HttpMessageInvoker _open = Create((_, address) => !AddressRules.IsInside(address), TlsFiles.None);

    /// <summary>
    /// Sends a request, and records when its first byte is sent. The request is sent at most once: if its socket closes without a response,
    /// which includes a pooled one that the server was about to close, it is unknown whether the request took effect.
    /// </summary>
    public Task<HttpResponseMessage> SendAsync(Connection? connection, OneRequest request, CancellationToken cancellation)
    {
        // HTTP/1.1 writes a request in the async flow of its call, so the stream finds the request that it belongs to, also on a pooled
        // socket.
        SendingStream.Sender = request;
        var invoker = connection is null ? _open : _invokers.GetOrAdd(connection, static one => Create(one.MayReach, one.Tls));
        return invoker.SendAsync(request, cancellation);
    }

    public void Dispose()
    {
        _open.Dispose();
        foreach (var invoker in _invokers.Values)
        {
            invoker.Dispose();
        }
    }

    private static HttpMessageInvoker Create(Func<DnsEndPoint, IPAddress, bool> mayReach, TlsFiles tls) => new(new SocketsHttpHandler
    {
        // The runner decides where an attempt goes and what it sends; the handler adds nothing. A proxy would connect in our place, and no
        // address could be checked.
        ActivityHeadersPropagator = null,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        UseProxy = false,
        SslOptions = tls.Options(null),
        MaxResponseHeadersLength = 64,
        // Pooled sockets are replaced from time to time, so that a changed DNS entry takes effect.
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
        ConnectCallback = (context, cancellation) =>
        {
            // The handler retries up to three times if a connection closes without a response, and has no option against that.
            if (context.InitialRequestMessage is OneRequest request)
            {
                request.Connect();
            }

            return ConnectAsync(context.DnsEndPoint, mayReach, cancellation);
        },
        // Above TLS, because a handshake contains no request.
        PlaintextStreamFilter = static (context, _) => ValueTask.FromResult<Stream>(new SendingStream(context.PlaintextStream)),
    });

    private static async ValueTask<Stream> ConnectAsync(
        DnsEndPoint target, Func<DnsEndPoint, IPAddress, bool> mayReach, CancellationToken cancellation)
    {
        var resolved = await Dns.GetHostAddressesAsync(target.Host, cancellation);
        IPAddress[] reachable = [.. resolved.Where(address => mayReach(target, address))];
        if (resolved.Length > 0 && reachable.Length == 0)
        {
            throw new AddressRefusedException($"{target.Host} is an address inside the network, and no connection allows it.");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(reachable, target.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>The effect must not connect to this address.</summary>
internal sealed class AddressRefusedException(string message) : Exception(message);
