using System.Diagnostics;
using Onex.Contracts.Messages;

namespace Onex.Effects.Http;

internal static class HttpTrace
{
    /// <summary>Whether a call that begins now gets its trace headers from a span. Otherwise it carries those of the command.</summary>
    public static bool SpanSetsHeaders => Activity.Current is { Recorded: true } span && span.Source == Tracing.Source;
}
