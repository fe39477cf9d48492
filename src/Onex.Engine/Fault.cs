namespace Onex.Engine;

/// <summary>Why a saga left its normal path.</summary>
internal sealed record Fault(string Code, string Message, string? Step, DateTimeOffset At);
