using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>
/// The order in which PostgreSQL's jsonb keeps the members of an object: by the length of the key in bytes, then by its bytes. Stored
/// values are put in this order when they are created, so that a saga sends the same bytes under the same idempotency key before and after
/// it is loaded. So is JSON that is read: that of a request is in the order of its sender, and jsonb writes other spaces and numbers.
/// </summary>
internal static class StoredOrder
{
    /// <summary>The value with all its maps in that order.</summary>
    public static CelValue Sort(CelValue value) => StoredValues.SortMaps(value);

    /// <summary>The same for JSON; numbers are then written as jsonb keeps them.</summary>
    public static RawJson Sort(RawJson json) =>
        ValueJson.TryWriteStored(Sort(StoredValues.Read(json.Utf8.Span)), out var ordered, out _) ? ordered : json;
}
