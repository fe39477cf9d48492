using Npgsql;
using NpgsqlTypes;

namespace Onex.Effects.Db;

/// <summary>A database type, with what is needed to parse the text of its values.</summary>
/// <param name="Oid">Its id in the server.</param>
/// <param name="Name">Its name.</param>
/// <param name="Base">The base type of a domain, else 0.</param>
/// <param name="Element">The element type of an array, else 0.</param>
/// <param name="Delimiter">The separator of elements in an array of this type.</param>
/// <param name="Attributes">The fields of a composite type in order, else empty.</param>
internal sealed record DbType(
    uint Oid, string Name, uint Base, uint Element, char Delimiter, IReadOnlyList<(string Name, uint Type)> Attributes);

/// <summary>
/// The types that one statement uses. They are read from the catalogue for each statement, because types may be altered.
/// </summary>
internal sealed class TypeCatalogue(IReadOnlyDictionary<uint, DbType> types)
{
    /// <summary>
    /// Reads a row per type that is reachable from the parameters of the session's prepared statement and from the types in the first
    /// parameter. A domain leads to its base, an array to its elements, a composite to its fields. A type that has an element type but is
    /// not an array (point, oidvector) has a text form of its own.
    /// </summary>
    public const string Sql = """
        WITH RECURSIVE reached(oid) AS (
            SELECT unnest($1::oid[] || ARRAY(
                SELECT unnest(parameter_types)::oid FROM pg_catalog.pg_prepared_statements WHERE NOT from_sql))
            UNION
            SELECT next.oid
            FROM reached r JOIN pg_catalog.pg_type t ON t.oid = r.oid
            CROSS JOIN LATERAL (
                SELECT t.typelem AS oid WHERE t.typelem <> 0
                UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
                UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
                    WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) next)
        SELECT t.oid, format_type(t.oid, NULL), t.typbasetype,
            CASE WHEN t.typoutput = 'pg_catalog.array_out'::regproc THEN t.typelem ELSE 0 END,
            t.typdelim::text,
            CASE WHEN t.typtype = 'c' THEN ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) ELSE '{}' END,
            CASE WHEN t.typtype = 'c' THEN ARRAY(SELECT a.atttypid FROM pg_catalog.pg_attribute a
                WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) ELSE '{}' END
        FROM reached r JOIN pg_catalog.pg_type t ON t.oid = r.oid
        """;

    /// <summary>Creates the parameter of <see cref="Sql"/>.</summary>
    public static NpgsqlParameter CreateParameter(uint[] types) =>
        new NpgsqlParameter<uint[]> { TypedValue = types, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Oid };

    /// <summary>Reads the rows of <see cref="Sql"/>.</summary>
    public static async Task<TypeCatalogue> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var types = new Dictionary<uint, DbType>();
        while (await reader.ReadAsync(cancellation))
        {
            var type = new DbType(
                reader.GetFieldValue<uint>(0),
                reader.GetString(1),
                reader.GetFieldValue<uint>(2),
                reader.GetFieldValue<uint>(3),
                reader.GetString(4)[0],
                [.. reader.GetFieldValue<string[]>(5).Zip(reader.GetFieldValue<uint[]>(6))]);
            types[type.Oid] = type;
        }

        return new TypeCatalogue(types);
    }

    /// <summary>The type, or the base type of a domain, also of nested domains. Without an entry it is read as text.</summary>
    public DbType Find(uint oid)
    {
        var type = types.GetValueOrDefault(oid) ?? new DbType(oid, "unknown", 0, 0, ',', []);
        return type.Base != 0 && types.ContainsKey(type.Base) ? Find(type.Base) : type;
    }
}

/// <summary>The types whose JSON form is not the server's text. Their ids are the same in every PostgreSQL.</summary>
internal static class TypeOids
{
    public const uint Bool = 16;
    public const uint Bytea = 17;
    public const uint Int8 = 20;
    public const uint Int2 = 21;
    public const uint Int4 = 23;
    public const uint Oid = 26;
    public const uint Xid = 28;
    public const uint Cid = 29;
    public const uint Json = 114;
    public const uint Float4 = 700;
    public const uint Float8 = 701;
    public const uint Timestamp = 1114;
    public const uint TimestampTz = 1184;
    public const uint Numeric = 1700;
    public const uint Jsonb = 3802;

    public static bool IsInteger(uint oid) => oid is Int2 or Int4 or Int8 or Oid or Xid or Cid;

    public static bool IsJson(uint oid) => oid is Json or Jsonb;
}
