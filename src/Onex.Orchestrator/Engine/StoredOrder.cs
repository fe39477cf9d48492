using System.Text;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Orchestrator.Engine;

/// <summary>
/// The order in which Postgres' jsonb keeps the members of an object: by the length of the key in bytes, then by its bytes. Values that are kept
/// in a row are put into it when they are made, so that a saga says the same to the letter, under the same idempotency key, before and after it
/// was loaded.
/// </summary>
internal static class StoredOrder
{
    /// <summary>The value with all its maps in that order.</summary>
    public static CelValue Of(CelValue value) => value.Kind switch
    {
        CelKind.List when value.AsList().Any(IsComposed) => CelValue.List([.. value.AsList().Select(Of)]),
        CelKind.Map => CelValue.Map(value.AsMap()
            .Select(entry => (Key: Encoding.UTF8.GetBytes(entry.Key), Entry: entry))
            .OrderBy(entry => entry.Key.Length)
            .ThenBy(entry => entry.Key, Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right)))
            .Select(entry => new KeyValuePair<string, CelValue>(entry.Entry.Key, Of(entry.Entry.Value)))),
        _ => value,
    };

    /// <summary>The same for JSON.</summary>
    public static RawJson Of(RawJson json) => ValueJson.TryWrite(Of(CelValue.FromJson(json.Utf8.Span)), out var ordered, out _) ? ordered : json;

    private static bool IsComposed(CelValue value) => value.Kind is CelKind.Map or CelKind.List;
}
