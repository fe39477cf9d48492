namespace Onex.Workers.Running;

/// <summary>Why a computation must end before it has a result.</summary>
internal enum RunEnd
{
    /// <summary>It need not end.</summary>
    None,

    /// <summary>Nobody needs the result any more.</summary>
    Cancelled,

    /// <summary>Its time limit has passed.</summary>
    TimedOut,

    /// <summary>The process stops.</summary>
    Stopped,
}
