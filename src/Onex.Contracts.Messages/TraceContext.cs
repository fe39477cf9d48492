namespace Onex.Contracts.Messages;

/// <summary>The W3C trace context of a message: its headers <c>traceparent</c> and <c>tracestate</c>.</summary>
public readonly record struct TraceContext(string Parent, string? State);
