using System.Buffers;
using System.Collections.Frozen;

namespace Onex.Effects.Connections;

/// <summary>Which request headers contracts and connections may set.</summary>
internal static class HttpHeaderRules
{
    public const string IdempotencyKey = "Idempotency-Key";
    public const string CorrelationId = "X-Correlation-Id";

    /// <summary>
    /// Headers that only the runtime may set, separated by commas. They frame the message, select its receiver or identify the request, so
    /// a contract that sets one is mistaken or hostile.
    /// </summary>
    public const string Reserved =
        "Connection,Content-Length,Expect,Host,Keep-Alive,Proxy-Connection,TE,Trailer,Transfer-Encoding,Upgrade,traceparent,tracestate,"
        + IdempotencyKey + "," + CorrelationId;

    private static readonly FrozenSet<string> _reserved = FrozenSet.ToFrozenSet(Reserved.Split(','), StringComparer.OrdinalIgnoreCase);

    private static readonly SearchValues<char> _nameCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Describes the problem of a header without quoting its value; null if it has none.</summary>
    public static string? FindProblem(string name, string value) =>
        name.Length == 0 || name.AsSpan().ContainsAnyExcept(_nameCharacters) ? $"'{name}' cannot be the name of a header"
        : _reserved.Contains(name) ? $"the header '{name}' is set by the runtime"
        : value.Any(char.IsControl) ? $"the value of the header '{name}' holds a control character"
        : null;
}
