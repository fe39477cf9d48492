using System.Net;
using System.Net.Sockets;
using System.Text;
using Onex.Effects.Connections;

namespace Onex.Effects.Http;

/// <summary>
/// The sockets of HTTP effects: one pool per connection, and one for requests without a connection. The resolved address is checked when a
/// socket connects, so DNS rebinding has no effect.
/// </summary>
internal sealed class HttpTransport(ConnectionTable connections) : IDisposable
{
    private readonly PerConnection<HttpMessageInvoker> _invokers = new(
        connections, one => Create(one.MayReach, one.Tls, one.Proxy), invoker => invoker.Dispose());

    private readonly HttpMessageInvoker _open = Create((_, address) => !AddressRules.IsInside(address), TlsFiles.None);

    /// <summary>
    /// Sends a request, and records when its first byte is sent. The request is sent at most once: if its socket closes without a response,
    /// which includes a pooled one that the server was about to close, it is unknown whether the request took effect.
    /// </summary>
    public Task<HttpResponseMessage> SendAsync(Connection? connection, OneRequest request, CancellationToken cancellation)
    {
        // HTTP/1.1 writes a request in the async flow of its call, so the stream finds the request that it belongs to, also on a pooled
        // socket.
        if (connection is { IsHttp2: true })
        {
            // Many requests share a connection and its writer, so no stream belongs to one of them. The handler sends a request again only
            // if the server said that it did not process it.
            request.Version = HttpVersion.Version20;
            request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
            request.Progress.Send();
            return InvokerOf(connection).SendAsync(request, cancellation);
        }

        SendingStream.Sender = request;
        return InvokerOf(connection).SendAsync(request, cancellation);
    }

    public void Dispose()
    {
        _open.Dispose();
        _invokers.Dispose();
    }

    private HttpMessageInvoker InvokerOf(Connection? connection) => connection is null ? _open : _invokers.For(connection);

    private static WebProxy? ProxyAt(Uri? address)
    {
        if (address is null)
        {
            return null;
        }

        var user = address.UserInfo.Split(':', 2);
        return new WebProxy(new UriBuilder(address) { UserName = "", Password = "" }.Uri)
        {
            Credentials = address.UserInfo.Length > 0
                ? new NetworkCredential(Uri.UnescapeDataString(user[0]), Uri.UnescapeDataString(user.ElementAtOrDefault(1) ?? ""))
                : null,
        };
    }

    private static HttpMessageInvoker Create(
        Func<DnsEndPoint, IPAddress, bool> mayReach, TlsFiles tls, Uri? proxy = null) => new(new SocketsHttpHandler
    {
        // The runner decides where an attempt goes and what it sends; the handler adds nothing. A proxy connects in our place, so it is
        // only used where the connection names it.
        ActivityHeadersPropagator = null,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        UseProxy = proxy is not null,
        Proxy = ProxyAt(proxy),
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
        // Above TLS, because a handshake contains no request; neither does the tunnel that a proxy is asked for.
        PlaintextStreamFilter = static (context, _) => ValueTask.FromResult(
            context.InitialRequestMessage.Method == HttpMethod.Connect || context.NegotiatedHttpVersion >= HttpVersion.Version20
                ? context.PlaintextStream
                : new SendingStream(context.PlaintextStream)),
    });

    private static async ValueTask<Stream> ConnectAsync(
        DnsEndPoint target, Func<DnsEndPoint, IPAddress, bool> mayReach, CancellationToken cancellation)
    {
        var resolved = await Dns.GetHostAddressesAsync(target.Host, cancellation);
        IPAddress[] reachable = [.. resolved.Where(address => mayReach(target, address))];
        if (resolved.Length > 0 && reachable.Length == 0)
        {
            throw new AddressRefusedException($"{target.Host} is a private address, and no connection allows it.");
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
