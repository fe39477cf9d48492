using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>
/// Limits how much one read brings into memory. If <see cref="IsReached"/>, the rest needs another read. Serves one read.
/// </summary>
/// <param name="weightMax">The largest total weight (<see cref="JsonWeight"/>). The first row is read even if it is heavier.</param>
public sealed class ReadLimit(long weightMax)
{
    private long _weight;

    /// <summary>Whether rows were left out.</summary>
    public bool IsReached { get; private set; }

    /// <summary>Adds a row. False if it does not fit; then no later row does either.</summary>
    internal bool TryAdd(params ReadOnlySpan<RawJson> parts)
    {
        if (IsReached)
        {
            return false;
        }

        var weight = 0L;
        foreach (var part in parts)
        {
            weight += JsonWeight.Handled(part.Utf8.Span);
        }

        if (_weight > 0 && _weight + weight > weightMax)
        {
            IsReached = true;
            return false;
        }

        _weight += weight;
        return true;
    }
}
