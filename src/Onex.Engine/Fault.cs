namespace Onex.Engine;

/// <summary>Why a saga left its ordinary path.</summary>
internal sealed record Fault(string Code, string Message, string? Step, DateTimeOffset At);
