using System.Diagnostics;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>What came of an item of an <c>each</c>.</summary>
public enum SagaItemStatus
{
    /// <summary>Its call came back with a result.</summary>
    Completed,

    /// <summary>It was rejected, or failed finally.</summary>
    Failed,

    /// <summary>Nobody can tell whether it happened: it is to be taken back.</summary>
    Unknown,

    /// <summary>It was taken back.</summary>
    Compensated,

    /// <summary>An operator decided that it need not be taken back.</summary>
    Skipped,
}

/// <summary>An item of an <c>each</c> whose call was answered finally: a row of <c>saga_items</c>, written with the transition that learnt of it.</summary>
/// <param name="Step">The step's id.</param>
/// <param name="Visit">Which visit of its state: another visit has items of its own.</param>
/// <param name="Index">The item's place in the list, from 0.</param>
/// <param name="Status">What came of it.</param>
/// <param name="CommandId">The command of its call.</param>
public sealed record SagaItem(string Step, int Visit, int Index, SagaItemStatus Status, CommandId CommandId)
{
    /// <summary>jsonb: what of its result is kept. Null leaves what is stored as it is.</summary>
    public RawJson? Result { get; init; }

    /// <summary>
    /// The arguments of its compensation, kept to the letter: what is asked again under one idempotency key must say the same. Null leaves what is
    /// stored as it is.
    /// </summary>
    public RawJson? Undo { get; init; }

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

    /// <summary>The status of that text, which a check constraint keeps to the known ones.</summary>
    public static SagaItemStatus Parse(string text) => text switch
    {
        "completed" => SagaItemStatus.Completed,
        "failed" => SagaItemStatus.Failed,
        "unknown" => SagaItemStatus.Unknown,
        "compensated" => SagaItemStatus.Compensated,
        "skipped" => SagaItemStatus.Skipped,
        _ => throw new InvalidOperationException($"'{text}' is no status of an item."),
    };
}
