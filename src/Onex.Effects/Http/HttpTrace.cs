using System.Diagnostics;
using Onex.Contracts.Messages;

namespace Onex.Effects.Http;

/// <summary>The trace context of calls.</summary>
internal static class HttpTrace
{
    /// <summary>Whether the span of a call that begins now adds its own context. Otherwise the call carries that of the request.</summary>
    public static bool IsOfSpan => Activity.Current is { Recorded: true } span && span.Source == Tracing.Source;
}
