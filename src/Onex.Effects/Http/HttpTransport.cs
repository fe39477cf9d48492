using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Onex.Effects.Connections;
using Onex.Effects.Operations;

namespace Onex.Effects.Http;

/// <summary>
/// The sockets behind HTTP effects: a pool per connection, and one for requests without. Where a request may go is decided when it connects,
/// on the resolved address, so that a name that changes its mind gains nothing.
/// </summary>
internal sealed class HttpTransport : IDisposable
{
    private readonly ConcurrentDictionary<Connection, HttpMessageInvoker> _invokers = new();
    private readonly HttpMessageInvoker _open = Create((_, address) => !AddressRules.IsInside(address));

    /// <summary>
    /// Sends a request through that connection, or through none, and notes when its first byte leaves. The request is on the wire once at most:
    /// where its connection ends without an answer, also one of the pool that the server was about to close, nobody can tell what became of it.
    /// </summary>
    public async Task<HttpResponseMessage> SendAsync(
        Connection? connection, HttpRequestMessage request, AttemptProgress progress, CancellationToken cancellation)
    {
        // HTTP/1.1 writes a request in the flow of the call that sends it, so that the stream finds whose request it is, on a pooled socket too.
        var one = new OneRequest(progress);
        request.Options.Set(OneRequest.Key, one);
        SendingStream.Sender = one;
        var invoker = connection is null ? _open : _invokers.GetOrAdd(connection, static one => Create(one.MayReach));
        return await invoker.SendAsync(request, cancellation);
    }

    public void Dispose()
    {
        _open.Dispose();
        foreach (var invoker in _invokers.Values)
        {
            invoker.Dispose();
        }
    }

    private static HttpMessageInvoker Create(Func<DnsEndPoint, IPAddress, bool> mayReach) => new(new SocketsHttpHandler
    {
        // The runner says where an attempt goes and what it carries; the handler adds nothing of its own. A proxy would connect in our
        // place, and no address could be checked.
        ActivityHeadersPropagator = null,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        UseProxy = false,
        MaxResponseHeadersLength = 64,
        // Pooled sockets end now and then, so that a moved name is noticed.
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
        ConnectCallback = (context, cancellation) =>
        {
            // The handler retries where a connection ended without an answer, up to three times, and has no switch for that.
            if (context.InitialRequestMessage.Options.TryGetValue(OneRequest.Key, out var request))
            {
                request.Connect();
            }

            return ConnectAsync(context.DnsEndPoint, mayReach, cancellation);
        },
        // Behind TLS: a handshake carries no request.
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

/// <summary>The address is not one that this effect may reach.</summary>
internal sealed class AddressRefusedException(string message) : Exception(message);
