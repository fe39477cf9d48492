using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Onex.Contracts.Messages;
using Onex.Effects.Connections;
using Onex.Effects.Discovery;

namespace Onex.Effects.Http;

/// <summary>
/// The sockets of HTTP effects: per connection a pool for the hosts that get its client certificate
/// (<see cref="Connection.SendsCredentialsTo"/>) and one for the other hosts that it allows, and a pool for requests without a connection.
/// The resolved address is checked when a socket connects, so DNS rebinding has no effect.
/// </summary>
/// <param name="connections">The connections.</param>
/// <param name="services">Finds the instances of services.</param>
/// <param name="resolve">Resolves names; null for the system's resolver.</param>
internal sealed class HttpTransport(
    ConnectionTable connections, ServiceDirectory services, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
    : IDisposable
{
    // How many instances one attempt tries at the most.
    private const int InstancesMax = 3;

    private readonly PerConnection<HttpMessageInvoker> _invokers = ForConnections(connections, resolve, connection => connection.Tls);

    private readonly PerConnection<HttpMessageInvoker> _withoutCredentials = ForConnections(
        connections, resolve, connection => connection.Tls.WithoutClientCertificate);

    private readonly HttpMessageInvoker _withoutConnection = Create(
        resolve ?? Dns.GetHostAddressesAsync, (_, address) => !AddressRules.IsInternal(address), (_, _) => false, TlsFiles.None);

    /// <summary>
    /// Sends a request, and marks it as sent before its first byte. Over HTTP/1.1 it is sent at most once: if its socket closes without a
    /// response, which includes a pooled one that the server was about to close, it is unknown whether the request took effect.
    /// </summary>
    public Task<HttpResponseMessage> SendAsync(Connection? connection, AttemptRequest request, CancellationToken cancellation) =>
        connection is { Service: not null } && connection.IsOwn(request.RequestUri!)
            ? SendToServiceAsync(connection, request, cancellation)
            : SendOnceAsync(connection, request, cancellation);

    // An instance to which no socket can connect has received nothing, so the next one is tried.
    private async Task<HttpResponseMessage> SendToServiceAsync(
        Connection connection, AttemptRequest request, CancellationToken cancellation)
    {
        HttpRequestException? failure = null;
        try
        {
            foreach (var instance in (await services.ResolveAsync(connection, cancellation)).Take(InstancesMax))
            {
                request.DirectTo(instance);
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

        // Consul or DNS may be corrected, so an address that is not allowed fails the attempt, and does not reject it.
        throw failure!.InnerException is AddressNotAllowedException notAllowed
            ? new HttpRequestException(notAllowed.Message, new ServiceUnavailableException(notAllowed.Message))
            : failure;
    }

    private Task<HttpResponseMessage> SendOnceAsync(Connection? connection, AttemptRequest request, CancellationToken cancellation)
    {
        if (connection is { IsHttp2: true })
        {
            // Requests share a socket and its writer, so no stream belongs to one of them: the request counts as sent at once. The
            // handler sends a request again only if the server said that it did not process it.
            request.Version = HttpVersion.Version20;
            request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
            request.Progress.MarkSent();
            return InvokerFor(connection, request).SendAsync(request, cancellation);
        }

        // HTTP/1.1 writes a request in the async flow of its call, so the stream finds its request there, even on a pooled socket.
        SendingStream.Sender = request;
        return InvokerFor(connection, request).SendAsync(request, cancellation);
    }

    public void Dispose()
    {
        _withoutConnection.Dispose();
        _invokers.Dispose();
        _withoutCredentials.Dispose();
    }

    // Whoever can write to Consul or the DNS zone chooses the address of an instance, so the connection's list must allow it. Without a
    // list the address may be private, as that of a URL may be, but not, for example, link-local.
    private static bool MayReachInstance(Connection connection, DnsEndPoint instance, IPAddress address) =>
        connection.Allow.IsEmpty ? AddressRules.MayBeInstance(address) : connection.Allow.Contains(instance.Host, address);

    private HttpMessageInvoker InvokerFor(Connection? connection, AttemptRequest request) =>
        connection is null ? _withoutConnection
        : request.Instance is not null || connection.SendsCredentialsTo(request.RequestUri!) ? _invokers.For(connection)
        : _withoutCredentials.For(connection);

    private static PerConnection<HttpMessageInvoker> ForConnections(
        ConnectionTable connections, Func<string, CancellationToken, Task<IPAddress[]>>? resolve, Func<Connection, TlsFiles> tls) => new(
            connections,
            connection => Create(
                resolve ?? Dns.GetHostAddressesAsync, connection.MayReach,
                (instance, address) => MayReachInstance(connection, instance, address), tls(connection), connection.Proxy),
            invoker => invoker.Dispose());

    private static WebProxy? CreateProxy(Uri? address)
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
            // The operation decides where a request goes and what it contains, so the handler adds nothing but, with tracing, a span and
            // its trace context. A proxy resolves names in our place, so one is used only if the connection names it.
            ActivityHeadersPropagator = Tracing.IsOn ? DistributedContextPropagator.CreateW3CPropagator() : null,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = proxy is not null,
            Proxy = CreateProxy(proxy),
            SslOptions = tls.Options(null),
            MaxResponseHeadersLength = 64, // KiB
            // Pooled sockets are replaced from time to time, so that a changed DNS entry takes effect.
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
            ConnectCallback = (context, cancellation) =>
            {
                // The handler retries up to three times if a socket closes without a response, and has no option against that.
                var request = context.InitialRequestMessage as AttemptRequest;
                request?.RequireUnsent();
                var mayConnect = context.DnsEndPoint.Equals(request?.Instance) ? mayReachInstance : mayReach;
                return ConnectAsync(resolve, context.DnsEndPoint, mayConnect, cancellation);
            },
            // The filter is above TLS, because a handshake is not part of a request; nor is the CONNECT to a proxy, or HTTP/2's shared
            // stream.
            PlaintextStreamFilter = static (context, _) => ValueTask.FromResult(
                context.InitialRequestMessage.Method == HttpMethod.Connect || context.NegotiatedHttpVersion >= HttpVersion.Version20
                    ? context.PlaintextStream
                    : new SendingStream(context.PlaintextStream)),
        });

    private static async ValueTask<Stream> ConnectAsync(
        Func<string, CancellationToken, Task<IPAddress[]>> resolve, DnsEndPoint target, Func<DnsEndPoint, IPAddress, bool> mayReach,
        CancellationToken cancellation)
    {
        // A number is not resolved, because the resolver throws for unspecified addresses, which mean this machine.
        var resolved = IPAddress.TryParse(target.Host, out var number) ? [number] : await resolve(target.Host, cancellation);
        IPAddress[] reachable = [.. resolved.Where(address => mayReach(target, address))];
        if (resolved.Length > 0 && reachable.Length == 0)
        {
            throw new AddressNotAllowedException(
                $"{target.Host} is not allowed: only a connection whose 'url' or 'allow' names it may reach it.");
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
