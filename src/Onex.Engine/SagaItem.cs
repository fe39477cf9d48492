using System.Diagnostics;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>The outcome of an item of an <c>each</c>, and, in compensation, of a single step.</summary>
public enum SagaItemStatus
{
    /// <summary>Its call completed, or was interrupted and is known to have taken effect.</summary>
    Completed,

    /// <summary>It was rejected, failed for good, or could not be called.</summary>
    Failed,

    /// <summary>Its call did not complete, but took effect or may have, so it can be compensated.</summary>
    Unknown,

    /// <summary>It was compensated.</summary>
    Compensated,

    /// <summary>An operator skipped its call or its compensation.</summary>
    Skipped,
}

/// <summary>A finished item of an <c>each</c>: a row of <c>saga_items</c>, written with each transition that changes its outcome.</summary>
/// <param name="Step">The step's id.</param>
/// <param name="Visit">Which visit of its state: each visit has its own items.</param>
/// <param name="Index">The item's place in the list, from 0.</param>
/// <param name="Status">Its outcome.</param>
/// <param name="CommandId">The command of its call.</param>
public sealed record SagaItem(string Step, int Visit, int Index, SagaItemStatus Status, CommandId CommandId)
{
    /// <summary>Its result, stored as jsonb. Null does not change what is stored.</summary>
    public RawJson? Result { get; init; }

    /// <summary>
    /// The arguments of its compensation, byte for byte, because every request under one idempotency key must be the same. Null does not
    /// change what is stored.
    /// </summary>
    public RawJson? CompensationArguments { get; init; }

    /// <summary>Why it failed, as a code, or null.</summary>
    public string? Code { get; init; }

    /// <summary>Why it failed, for people, or null.</summary>
    public string? Message { get; init; }
}

/// <summary>How an item's status is written in the database and in the API.</summary>
public static class SagaItemStatusText
{
    /// <summary>The status as text: <c>completed</c>.</summary>
    public static string ToText(this SagaItemStatus status) => status switch
    {
        SagaItemStatus.Completed => "completed",
        SagaItemStatus.Failed => "failed",
        SagaItemStatus.Unknown => "unknown",
        SagaItemStatus.Compensated => "compensated",
        SagaItemStatus.Skipped => "skipped",
        _ => throw new UnreachableException(),
    };

    /// <summary>The status with that text. A check constraint allows only known ones.</summary>
    public static SagaItemStatus Parse(string text) => text switch
    {
        "completed" => SagaItemStatus.Completed,
        "failed" => SagaItemStatus.Failed,
        "unknown" => SagaItemStatus.Unknown,
        "compensated" => SagaItemStatus.Compensated,
        "skipped" => SagaItemStatus.Skipped,
        _ => throw new InvalidOperationException($"'{text}' is not an item status."),
    };
}
