using System.Buffers;
using System.Collections.Frozen;

namespace Onex.Effects.Connections;

/// <summary>Which request headers contracts and connections may set.</summary>
internal static class HttpHeaderRules
{
    public const string IdempotencyKey = "Idempotency-Key";
    public const string CorrelationId = "X-Correlation-Id";

    /// <summary>
    /// Headers that only the runtime sets, separated by commas. They frame the message, select its receiver or identify the request, so
    /// another value would be an attack or a mistake.
    /// </summary>
    public const string Ours =
        "Connection,Content-Length,Expect,Host,Keep-Alive,Proxy-Connection,TE,Trailer,Transfer-Encoding,Upgrade,traceparent,tracestate,"
        + IdempotencyKey + "," + CorrelationId;

    private static readonly FrozenSet<string> _ours = FrozenSet.ToFrozenSet(Ours.Split(','), StringComparer.OrdinalIgnoreCase);

    private static readonly SearchValues<char> _tokens =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>The problem of a header, without its value; or null.</summary>
    public static string? Problem(string name, string value) =>
        name.Length == 0 || name.AsSpan().ContainsAnyExcept(_tokens) ? $"'{name}' cannot be the name of a header"
        : _ours.Contains(name) ? $"the header '{name}' is set by the runtime"
        : value.Any(char.IsControl) ? $"the value of the header '{name}' holds a control character"
        : null;
}
