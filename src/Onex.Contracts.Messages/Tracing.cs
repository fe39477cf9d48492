using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Onex.Contracts.Messages;

/// <summary>How spans show business keys and keys of records.</summary>
public enum KeyForm
{
    /// <summary>As they are.</summary>
    Plain,

    /// <summary>The first 64 bits of their SHA-256, in hexadecimal.</summary>
    Hashed,

    /// <summary>Not at all.</summary>
    None,
}

/// <summary>
/// Creates the spans of Onex. The parent of a span is a span of the same process, or the client's span: the request has its context, which
/// the saga keeps and its messages carry. A span without either begins a trace. The parent is never a span of another Onex process: a
/// killed process exports nothing more, so it could be missing.
/// </summary>
public static class Tracing
{
    [ThreadStatic]
    private static ActivityTraceId? _nextTraceId;

    /// <summary>The source of all spans.</summary>
    public static ActivitySource Source { get; } = new("Onex");

    /// <summary>Whether anyone records spans.</summary>
    public static bool IsOn => Source.HasListeners();

    /// <summary>How the spans of this process show keys.</summary>
    public static KeyForm Keys { get; set; }

    /// <summary>The time, on the clock of spans.</summary>
    public static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    /// <summary>A key as spans show it, or null.</summary>
    public static string? Key(string? key) => (key, Keys) switch
    {
        (null, _) or (_, KeyForm.None) => null,
        (_, KeyForm.Hashed) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..16],
        _ => key,
    };

    /// <summary>
    /// The parent of spans about a message with these headers; default if it has none. A trace that Onex has begun has an id and no parent.
    /// </summary>
    public static ActivityContext ParentOf(string? traceParent, string? traceState)
    {
        if (!ActivityContext.TryParse(traceParent, traceState, isRemote: true, out var context))
        {
            return default;
        }

        return context.SpanId == NoSpan(context.TraceId)
            ? new ActivityContext(context.TraceId, default, context.TraceFlags, traceState, isRemote: true)
            : context;
    }

    /// <summary>
    /// The header <c>traceparent</c> of a trace that Onex has begun. The format requires a parent, so it names one that no span has: the
    /// first half of the trace id.
    /// </summary>
    public static string TraceParent(ActivityTraceId trace, ActivityTraceFlags flags) =>
        $"00-{trace.ToHexString()}-{NoSpan(trace).ToHexString()}-{(flags.HasFlag(ActivityTraceFlags.Recorded) ? "01" : "00")}";

    /// <summary>
    /// The id of the trace that Onex begins for a record, a scheduled request or a state. Derived from a text that identifies it, it is the
    /// same in every process.
    /// </summary>
    public static ActivityTraceId TraceId(string identity) =>
        ActivityTraceId.CreateFromBytes(SHA256.HashData(Encoding.UTF8.GetBytes(identity)).AsSpan(0, 16));

    /// <summary>Starts a span. It does not become the current one. Without a parent it begins a trace.</summary>
    public static Activity? Start(
        string name, ActivityKind kind, ActivityContext parent, ActivityTraceId traceId = default, DateTimeOffset at = default,
        IEnumerable<ActivityLink>? links = null)
    {
        Activity.TraceIdGenerator ??= static () => _nextTraceId ?? ActivityTraceId.CreateRandom();

        // A span without a parent would take the current span as its parent.
        var current = Activity.Current;
        Activity.Current = null;
        _nextTraceId = traceId == default ? null : traceId;
        try
        {
            return Source.StartActivity(name, kind, parent, links: links, startTime: at);
        }
        finally
        {
            _nextTraceId = null;
            Activity.Current = current;
        }
    }

    /// <summary>Starts a child of a span of this process. It does not become the current one.</summary>
    public static Activity? StartChild(string name, ActivityKind kind, Activity parent, DateTimeOffset at = default)
    {
        var current = Activity.Current;
        Activity.Current = parent;
        try
        {
            return Source.StartActivity(name, kind, default(ActivityContext), startTime: at);
        }
        finally
        {
            Activity.Current = current;
        }
    }

    /// <summary>Ends a span. The current span stays current, unless it is the one that ends: then its parent follows.</summary>
    public static void End(Activity? span)
    {
        if (span is not null)
        {
            var current = Activity.Current;
            span.Stop();
            Activity.Current = current == span ? span.Parent : current;
        }
    }

    /// <summary>Records an error. Only the span of the work that failed gets one, not the spans around it.</summary>
    public static void Fail(this Activity? span, string code, string? message)
    {
        span?.SetTag("error.type", code);
        span?.SetStatus(ActivityStatusCode.Error, message);
    }

    /// <summary>Adds the attributes that identify a command.</summary>
    public static void Describe(this Activity? span, StepCommand command)
    {
        if (span is { IsAllDataRequested: true })
        {
            span.SetTag("onex.saga.id", command.SagaId.ToString());
            span.SetTag("onex.contract", command.Contract);
            span.SetTag("onex.step", command.Step);
            span.SetTag("onex.direction", command.Direction);
            span.SetTag("onex.attempt", command.Attempt);
            span.SetTag("onex.operation", command.Operation);
            span.SetTag("onex.connection", command.Connection);
            span.SetTag("onex.command.id", command.CommandId.ToString());
        }
    }

    private static ActivitySpanId NoSpan(ActivityTraceId trace)
    {
        Span<byte> bytes = stackalloc byte[16];
        trace.CopyTo(bytes);
        return ActivitySpanId.CreateFromBytes(bytes[..8]);
    }
}
