using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>
/// The order in which Postgres' jsonb keeps the members of an object: by the length of the key in bytes, then by its bytes. Values that are kept
/// in a row are put into it when they are made, so that a saga says the same to the letter, under the same idempotency key, before and after it
/// was loaded.
/// </summary>
internal static class StoredOrder
{
    /// <summary>The value with all its maps in that order.</summary>
    public static CelValue Of(CelValue value) => StoredValues.Ordered(value);

    /// <summary>The same for JSON, whose numbers are then written as jsonb keeps them too.</summary>
    public static RawJson Of(RawJson json) =>
        ValueJson.TryWriteStored(Of(StoredValues.Read(json.Utf8.Span)), out var ordered, out _) ? ordered : json;
}
