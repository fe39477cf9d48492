namespace Onex.Persistence;

/// <summary>The database cannot be used for now: unreachable, going down, slow, or rejecting writes. Callers wait and retry.</summary>
public sealed class StoreUnavailableException(string message, Exception? inner) : Exception(message, inner)
{
    /// <summary>With a general message.</summary>
    public StoreUnavailableException()
        : this("The database cannot be reached.", null)
    {
    }

    /// <summary>With a message.</summary>
    public StoreUnavailableException(string message)
        : this(message, null)
    {
    }
}
