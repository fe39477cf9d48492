using System.Collections.Frozen;

namespace Onex.Effects.Db;

/// <summary>Which statements a step may run, by their first word. Several in one text are rejected later: by the server, or, if the client
/// splits them, by <see cref="DatabaseSession"/>.</summary>
internal static class StatementRules
{
    // They would end or split the operation's transaction, or start a dialogue (COPY) that a step cannot conduct.
    private static readonly FrozenSet<string> _forbiddenWords = FrozenSet.ToFrozenSet(
        ["ABORT", "BEGIN", "COMMIT", "COPY", "END", "PREPARE", "RELEASE", "ROLLBACK", "SAVEPOINT", "START"],
        StringComparer.OrdinalIgnoreCase);

    /// <summary>The problem of a statement, or null.</summary>
    public static string? FindProblem(string sql)
    {
        var rest = SkipBlank(sql);
        if (rest.IsEmpty)
        {
            return "'sql' contains no statement";
        }

        var length = 0;
        while (length < rest.Length && char.IsAsciiLetter(rest[length]))
        {
            length++;
        }

        var word = rest[..length].ToString();
        return _forbiddenWords.Contains(word) ? $"'sql' may not begin with {word.ToUpperInvariant()}" : null;
    }

    // Returns the text from the first character that is no white space, comment or empty statement. Comments nest.
    private static ReadOnlySpan<char> SkipBlank(ReadOnlySpan<char> sql)
    {
        while (true)
        {
            sql = sql.TrimStart();
            if (sql.StartsWith(";"))
            {
                sql = sql[1..];
            }
            else if (sql.StartsWith("--"))
            {
                var end = sql.IndexOfAny('\n', '\r');
                sql = end < 0 ? [] : sql[end..];
            }
            else if (sql.StartsWith("/*"))
            {
                sql = AfterComment(sql);
            }
            else
            {
                return sql;
            }
        }
    }

    private static ReadOnlySpan<char> AfterComment(ReadOnlySpan<char> sql)
    {
        var depth = 0;
        for (var index = 0; index + 1 < sql.Length; index++)
        {
            if (sql[index..].StartsWith("/*"))
            {
                depth++;
                index++;
            }
            else if (sql[index..].StartsWith("*/"))
            {
                depth--;
                index++;
                if (depth == 0)
                {
                    return sql[(index + 1)..];
                }
            }
        }

        return [];
    }
}
