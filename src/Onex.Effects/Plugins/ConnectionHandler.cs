using Onex.Effects.Connections;
using Onex.Effects.Http;
using Onex.Effects.Operations;

namespace Onex.Effects.Plugins;

/// <summary>
/// Sends the requests of a plug-in over a connection as <c>http.*</c> does: only to the hosts that the connection allows, with the
/// idempotency key and the trace.
/// </summary>
/// <param name="transport">Sends the requests over the connection's sockets.</param>
/// <param name="connection">The connection.</param>
/// <param name="context">The attempt.</param>
internal sealed class ConnectionHandler(HttpTransport transport, Connection connection, AttemptContext context) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var address = request.RequestUri!;
        if (!connection.MayName(address))
        {
            throw new HttpRequestException(
                $"{connection} does not allow {address.Host}.",
                new AddressNotAllowedException($"{connection} does not allow {address.Host}:{address.Port}."));
        }

        // Not disposed of, because the request of the caller owns the content.
        var sent = new AttemptRequest(request.Method, address, context.Progress) { Content = request.Content };
        foreach (var (name, values) in request.Headers.NonValidated)
        {
            sent.Headers.TryAddWithoutValidation(name, values);
        }

        if (connection.SendsCredentialsTo(address))
        {
            foreach (var (name, value) in connection.Headers)
            {
                Set(sent, name, value);
            }
        }

        Set(sent, HttpHeaderRules.IdempotencyKey, context.CommandId.ToString());
        Set(sent, HttpHeaderRules.CorrelationId, context.CorrelationId.ToString());
        if (!HttpTrace.SpanSetsHeaders)
        {
            Set(sent, "traceparent", context.TraceParent);
            if (context.TraceState is { } state)
            {
                Set(sent, "tracestate", state);
            }
        }

        var response = await transport.SendAsync(connection, sent, cancellationToken);
        response.RequestMessage = request;
        return response;
    }

    private static void Set(HttpRequestMessage request, string name, string value)
    {
        request.Headers.Remove(name);
        request.Headers.TryAddWithoutValidation(name, value);
    }
}
