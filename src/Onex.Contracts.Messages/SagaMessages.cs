namespace Onex.Contracts.Messages;

/// <summary>What sagas send to each other on the internal topic <c>saga-events</c>. Exactly one field is set.</summary>
public sealed record SagaMessage
{
    /// <summary>A parent saga starts or cancels a child.</summary>
    public SagaCall? Call { get; init; }

    /// <summary>The response of a child saga: it has ended, or run a <c>respond</c> step.</summary>
    public StepResult? Result { get; init; }
}

/// <summary>A step of a parent saga starts or cancels a child. Keyed by <see cref="CommandId"/>.</summary>
public sealed record SagaCall
{
    /// <summary>The identity of the step's work. It is the request id of the child.</summary>
    public required CommandId CommandId { get; init; }

    /// <summary>1 for the first attempt.</summary>
    public required int Attempt { get; init; }

    /// <summary>The child's contract. The highest loaded version is started.</summary>
    public required string Contract { get; init; }

    /// <summary>The child's input, a JSON object. Absent with <see cref="InputRef"/> and with <see cref="Cancels"/>.</summary>
    public RawJson? Input { get; init; }

    /// <summary>The id of the row of <c>saga_payloads</c> that stores the input, if it is too large for a record.</summary>
    public Guid? InputRef { get; init; }

    /// <summary>The correlation id of the parent's request. The child has the same.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary>The parent.</summary>
    public required SagaId ParentId { get; init; }

    /// <summary>The parent's home partition, to which the outcome is sent.</summary>
    public required int HomePartition { get; init; }

    /// <summary>Whether the parent waits for the child's response.</summary>
    public required bool Awaits { get; init; }

    /// <summary><c>true</c> if the parent cancels the child. A child that has not started yet never starts.</summary>
    public bool Cancels { get; init; }
}
