using System.Runtime.InteropServices;
using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Messages;

namespace Onex.Persistence.Tables;

/// <summary>Array parameters of PostgreSQL.</summary>
internal static class PostgresArray
{
    /// <summary>An array parameter with its type, so that the server need not infer it.</summary>
    public static NpgsqlParameter<T[]> Create<T>(NpgsqlDbType elementType, T[] values) =>
        new() { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | elementType };

    /// <summary>An array parameter with an element for each row.</summary>
    public static NpgsqlParameter<TElement[]> Create<TRow, TElement>(
        NpgsqlDbType elementType, IReadOnlyList<TRow> rows, Func<TRow, TElement> element)
    {
        var values = new TElement[rows.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = element(rows[i]);
        }

        return Create(elementType, values);
    }

    /// <summary>A JSON value as an element; an empty value is JSON <c>null</c>.</summary>
    public static byte[] Json(RawJson json)
    {
        var utf8 = json.Utf8.IsEmpty ? RawJson.Null.Utf8 : json.Utf8;

        // Nearly always the value is an array of its own, which needs no copy.
        return MemoryMarshal.TryGetArray(utf8, out var segment)
            && segment is { Offset: 0, Array: { } array }
            && array.Length == segment.Count
            ? array
            : utf8.ToArray();
    }
}
