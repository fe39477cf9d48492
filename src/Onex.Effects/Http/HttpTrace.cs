using System.Diagnostics;
using Onex.Contracts.Messages;

namespace Onex.Effects.Http;

internal static class HttpTrace
{
    /// <summary>Whether a call that begins now has a span that adds its context. Otherwise the call carries that of the command.</summary>
    public static bool SpanSetsHeaders => Activity.Current is { Recorded: true } span && span.Source == Tracing.Source;
}
