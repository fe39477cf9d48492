using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>
/// How much one reading may bring into memory. What was left out is told by <see cref="IsReached"/>, and read by another.
/// </summary>
/// <param name="weightMax">The weight; see <see cref="JsonWeight"/>. The first row is read whatever it weighs.</param>
public sealed class ReadLimit(long weightMax)
{
    private long _weight;

    /// <summary>Whether not all was read.</summary>
    public bool IsReached { get; private set; }

    /// <summary>What is left.</summary>
    public long Left => Math.Max(0, weightMax - _weight);

    /// <summary>Takes a row in. False if there is no room for it, and then for none after it either.</summary>
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
