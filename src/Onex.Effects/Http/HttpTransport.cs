using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Onex.Contracts.Messages;
using Onex.Effects.Connections;
using Onex.Effects.Discovery;

namespace Onex.Effects.Http;

/// <summary>
/// The sockets of HTTP effects: one pool per connection, and one for requests without a connection. The resolved address is checked when a
/// socket connects, so DNS rebinding has no effect.
/// </summary>
/// <param name="connections">The connections.</param>
/// <param name="services">Finds the instances of services.</param>
/// <param name="resolve">Resolves names; null for the system's resolver.</param>
internal sealed class HttpTransport(
    ConnectionTable connections, ServiceDirectory services, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
    : IDisposable
{
    private const int InstancesMax = 3;

    private readonly PerConnection<HttpMessageInvoker> _invokers = new(
        connections,
        one => Create(
            resolve ?? Dns.GetHostAddressesAsync, one.MayReach, (instance, address) => MayReachInstance(one, instance, address), one.Tls,
            one.Proxy),
        invoker => invoker.Dispose());

    private readonly HttpMessageInvoker _open = Create(
        resolve ?? Dns.GetHostAddressesAsync, (_, address) => !AddressRules.IsInside(address), (_, _) => false, TlsFiles.None);

    /// <summary>
    /// Sends a request, and records when its first byte is sent. The request is sent at most once: if its socket closes without a response,
    /// which includes a pooled one that the server was about to close, it is unknown whether the request took effect.
    /// </summary>
    public Task<HttpResponseMessage> SendAsync(Connection? connection, OneRequest request, CancellationToken cancellation) =>
        connection is { Service: { } service } && connection.IsOwn(request.RequestUri!)
            ? SendToAsync(service, connection, request, cancellation)
            : SendOnceAsync(connection, request, cancellation);

    // An instance to which no connection can be made has received nothing, so the next one is tried.
    private async Task<HttpResponseMessage> SendToAsync(
        ServiceAddress service, Connection connection, OneRequest request, CancellationToken cancellation)
    {
        HttpRequestException? failure = null;
        try
        {
            foreach (var instance in (await services.ResolveAsync(service, cancellation)).Take(InstancesMax))
            {
                request.SendTo(instance);
                try
                {
                    return await SendOnceAsync(connection, request, cancellation);
                }
                catch (HttpRequestException failed)
                    when (failed.InnerException is AddressNotAllowedException
                        || failed.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError)
                {
                    failure = failed;
                }
            }
        }
        catch (ServiceUnavailableException unknown)
        {
            throw new HttpRequestException(unknown.Message, unknown);
        }

        // The catalogue may be corrected, so an address that is not allowed is no rejection.
        throw failure!.InnerException is AddressNotAllowedException notAllowed
            ? new HttpRequestException(notAllowed.Message, new ServiceUnavailableException(notAllowed.Message))
            : failure;
    }

    private Task<HttpResponseMessage> SendOnceAsync(Connection? connection, OneRequest request, CancellationToken cancellation)
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

    // Whoever may write to Consul or the DNS zone chooses the address of an instance, so a list, if there is one, holds for it. Without one
    // it may be private, as that of a URL, but not link-local.
    private static bool MayReachInstance(Connection connection, DnsEndPoint instance, IPAddress address) =>
        connection.Allow.IsEmpty ? !AddressRules.IsNoHost(address) : connection.Allow.Contains(instance.Host, address);

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
        Func<string, CancellationToken, Task<IPAddress[]>> resolve, Func<DnsEndPoint, IPAddress, bool> mayReach,
        Func<DnsEndPoint, IPAddress, bool> mayReachInstance, TlsFiles tls, Uri? proxy = null) => new(new SocketsHttpHandler
        {
            // The runner decides where an attempt goes and what it sends; the handler adds nothing. A proxy connects in our place, so it is
            // only used where the connection names it.
            // With spans, it adds a span for the call and its trace context.
            ActivityHeadersPropagator = Tracing.IsOn ? DistributedContextPropagator.CreateW3CPropagator() : null,
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
                var request = context.InitialRequestMessage as OneRequest;
                request?.Connect();
                var mayConnect = context.DnsEndPoint.Equals(request?.Instance) ? mayReachInstance : mayReach;
                return ConnectAsync(resolve, context.DnsEndPoint, mayConnect, cancellation);
            },
            // Above TLS, because a handshake contains no request; neither does the tunnel that a proxy is asked for.
            PlaintextStreamFilter = static (context, _) => ValueTask.FromResult(
                context.InitialRequestMessage.Method == HttpMethod.Connect || context.NegotiatedHttpVersion >= HttpVersion.Version20
                    ? context.PlaintextStream
                    : new SendingStream(context.PlaintextStream)),
        });

    private static async ValueTask<Stream> ConnectAsync(
        Func<string, CancellationToken, Task<IPAddress[]>> resolve, DnsEndPoint target, Func<DnsEndPoint, IPAddress, bool> mayReach,
        CancellationToken cancellation)
    {
        // The resolver does not take unspecified addresses, which mean this machine.
        var resolved = IPAddress.TryParse(target.Host, out var number) ? [number] : await resolve(target.Host, cancellation);
        IPAddress[] reachable = [.. resolved.Where(address => mayReach(target, address))];
        if (resolved.Length > 0 && reachable.Length == 0)
        {
            throw new AddressNotAllowedException($"{target.Host} is a private address, and no connection allows it.");
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
internal sealed class AddressNotAllowedException(string message) : Exception(message);
