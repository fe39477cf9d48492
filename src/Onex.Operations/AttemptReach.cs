namespace Onex.Operations;

/// <summary>How far an attempt got: what is known about its effect.</summary>
public enum AttemptReach
{
    /// <summary>
    /// Nothing was sent, or it was rolled back (no connection, circuit breaker open, transaction rolled back). It took no effect.
    /// </summary>
    NotSent,

    /// <summary>It was sent, and it is unknown whether it took effect.</summary>
    Sent,

    /// <summary>The service answered that it took no effect.</summary>
    Answered,

    /// <summary>The service answered that it took effect.</summary>
    Done,
}
