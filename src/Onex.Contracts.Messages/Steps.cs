using System.Text.Json.Serialization;

namespace Onex.Contracts.Messages;

/// <summary>Asks a role or a remote worker for one attempt of a step or of its compensation. Keyed by <see cref="CommandId"/>.</summary>
public sealed record StepCommand
{
    /// <summary>The identity of the work: the same on every redelivery and every retry. It is the <c>Idempotency-Key</c>.</summary>
    public required CommandId CommandId { get; init; }

    /// <summary>1 for the first attempt.</summary>
    public required int Attempt { get; init; }

    /// <summary>The saga that waits for it.</summary>
    public required SagaId SagaId { get; init; }

    /// <summary>The correlation id of the saga's request.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary>The contract's name.</summary>
    public required string Contract { get; init; }

    /// <summary>The step's id in the contract.</summary>
    public required string Step { get; init; }

    /// <summary><c>do</c> or <c>compensate</c>.</summary>
    public required string Direction { get; init; }

    /// <summary>The operation: <c>http.post</c>, <c>hash.sha256</c>.</summary>
    public required string Operation { get; init; }

    /// <summary>The connection that the operation goes through, if it takes one.</summary>
    public string? Connection { get; init; }

    /// <summary>
    /// The value of the connection's <c>key</c> for the saga, as JSON: limits of the connection are counted for each value separately.
    /// Absent if the connection has none.
    /// </summary>
    public string? LimitKey { get; init; }

    /// <summary>The operation's arguments, a JSON object. Absent with <see cref="ArgumentsRef"/>.</summary>
    public RawJson? Arguments { get; init; }

    /// <summary>The id of the row of <c>saga_payloads</c> that stores the arguments, if they are too large for a record.</summary>
    public Guid? ArgumentsRef { get; init; }

    /// <summary>The memory that an attempt takes, in bytes, estimated from its arguments; 0 without arguments.</summary>
    [JsonIgnore]
    public long Weight => (Arguments, ArgumentsRef, ArgumentsBytes) switch
    {
        ({ } inline, _, _) => JsonWeight.Handled(inline.Utf8.Span),
        (_, not null, { } bytes) => JsonWeight.Handled(bytes),

        // An older orchestrator does not send ArgumentsBytes: assume the default of ONEX_MAX_REQUEST_BYTES.
        (_, not null, null) => JsonWeight.Handled(1 << 20),
        _ => 0,
    };

    /// <summary>With <see cref="ArgumentsRef"/>: the size of the arguments in bytes, so that the role can reserve memory first.</summary>
    public int? ArgumentsBytes { get; init; }

    /// <summary>The partition of the response topic to which the result is sent.</summary>
    public required int HomePartition { get; init; }

    /// <summary>The time limit of this attempt, in milliseconds.</summary>
    public required int TimeoutMs { get; init; }

    /// <summary>
    /// The attempt must not start after this time. The effects role checks it by the database's clock, a remote worker by its own.
    /// </summary>
    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>
    /// <c>true</c> if an earlier attempt took effect and its answer could not be used: this attempt calls the service although the effect
    /// ledger knows that outcome. Absent otherwise.
    /// </summary>
    public bool? AskAgain { get; init; }

    /// <summary>
    /// <c>true</c> if the step's policy allows one attempt: once that may have taken effect, it is not repeated, not even after an outage
    /// of the connection, which otherwise does not count as an attempt. Absent otherwise.
    /// </summary>
    public bool? Once { get; init; }

    /// <summary>
    /// <c>true</c> if the orchestrator reads reports of the attempt on the topic of the results. Absent otherwise, as in commands of older
    /// versions: then no report is sent.
    /// </summary>
    public bool? Reports { get; init; }

    /// <summary>
    /// The step's <c>heartbeat_timeout</c> in milliseconds: without a report for so long after <c>started</c> the attempt has failed.
    /// Absent if the step has none.
    /// </summary>
    public int? HeartbeatMs { get; init; }
}

/// <summary>Values of <see cref="StepCommand.Direction"/>.</summary>
public static class StepDirections
{
    /// <summary>The step itself.</summary>
    public const string Do = "do";

    /// <summary>The compensation of a step that has completed, or may have.</summary>
    public const string Compensate = "compensate";
}

/// <summary>The outcome of one attempt.</summary>
public sealed record StepResult
{
    /// <summary>The command that this answers.</summary>
    public required CommandId CommandId { get; init; }

    /// <summary>The attempt that this answers.</summary>
    public required int Attempt { get; init; }

    /// <summary>The saga that waits for it.</summary>
    public required SagaId SagaId { get; init; }

    /// <summary>The correlation id of the saga's request.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary>
    /// <c>completed</c>, <c>rejected</c> or <c>failed</c>. It is the role's own classification; the orchestrator applies the contract's
    /// <c>reject</c>, <c>returns</c> and <c>save</c>.
    /// </summary>
    public required string Outcome { get; init; }

    /// <summary>What the operation returned, also with an HTTP status that is classified as rejected or failed.</summary>
    public RawJson? Result { get; init; }

    /// <summary>The id of the row of <c>saga_payloads</c> that stores the result, if it is too large for a record.</summary>
    public Guid? ResultRef { get; init; }

    /// <summary>Why the attempt did not complete, as a code: <c>http_503</c>, <c>step_timed_out</c>, <c>connection_refused</c>.</summary>
    public string? Code { get; init; }

    /// <summary>The reason for people, without secrets.</summary>
    public string? Message { get; init; }

    /// <summary>
    /// Why the body in <see cref="Result"/> is text although the service declares JSON, for people: it does not parse. Absent otherwise. A
    /// contract that reads the body cannot use such a result; other contracts are not affected.
    /// </summary>
    public string? Unparsed { get; init; }

    /// <summary>The delay that the service requests before the next attempt (<c>Retry-After</c>), in milliseconds.</summary>
    public int? RetryAfterMs { get; init; }

    /// <summary>
    /// How far an attempt came that did not complete. Absent in results of older versions, where a failure means <c>sent</c> and a
    /// rejection <c>answered</c>.
    /// </summary>
    public string? Reach { get; init; }
}

/// <summary>Values of <see cref="StepResult.Reach"/>: what is known about an attempt that did not complete.</summary>
public static class StepReaches
{
    /// <summary>
    /// Nothing was sent, or what was sent was rolled back: no connection, an open circuit breaker, a failed transaction. The step did not
    /// take effect.
    /// </summary>
    public const string NotSent = "not_sent";

    /// <summary>It was sent, and it is unknown whether it took effect.</summary>
    public const string Sent = "sent";

    /// <summary>The service answered that it did not take effect.</summary>
    public const string Answered = "answered";

    /// <summary>The service answered that it took effect, but its answer cannot be used.</summary>
    public const string Done = "done";
}

/// <summary>Values of <see cref="StepResult.Outcome"/>.</summary>
public static class StepOutcomes
{
    /// <summary>It happened.</summary>
    public const string Completed = "completed";

    /// <summary>A final "no", a business answer. It is never retried.</summary>
    public const string Rejected = "rejected";

    /// <summary>It is unknown whether it happened, or the cause is transient. It is retried by the step's policy.</summary>
    public const string Failed = "failed";
}
