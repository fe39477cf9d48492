namespace Onex.Contracts.Messages;

/// <summary>What sagas say to each other, on the internal topic <c>saga-events</c>: one of its fields is set.</summary>
public sealed record SagaMessage
{
    /// <summary>A saga calls, starts or cancels another one.</summary>
    public SagaCall? Call { get; init; }

    /// <summary>One that was called has ended.</summary>
    public StepResult? Result { get; init; }
}

/// <summary>A saga calls another one: one step of the first. Keyed by <see cref="CommandId"/>.</summary>
public sealed record SagaCall
{
    /// <summary>Identity of the work: the request id of the saga that it starts.</summary>
    public required Guid CommandId { get; init; }

    /// <summary>1 for the first attempt.</summary>
    public required int Attempt { get; init; }

    /// <summary>The contract that is called; the highest version that is loaded takes it.</summary>
    public required string Contract { get; init; }

    /// <summary>Its input, a JSON object. Absent when <see cref="InputRef"/> is given, and where <see cref="Cancels"/> is set.</summary>
    public RawJson? Input { get; init; }

    /// <summary>Where a larger input is stored: the id of a row of <c>saga_payloads</c>.</summary>
    public Guid? InputRef { get; init; }

    /// <summary>The correlation id of the calling saga's request: the called one has the same.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary>The saga that calls.</summary>
    public required Guid ParentId { get; init; }

    /// <summary>The partition to which the outcome goes.</summary>
    public required int HomePartition { get; init; }

    /// <summary>Whether the caller waits for the end.</summary>
    public required bool Awaits { get; init; }

    /// <summary>Whether the caller has no more use for it: it is cancelled if it has begun, and never begins if it has not.</summary>
    public bool Cancels { get; init; }
}
