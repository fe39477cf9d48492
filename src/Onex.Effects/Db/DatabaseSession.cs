using System.Buffers;
using System.Data;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Onex.Contracts.Text;
using Onex.Effects.Operations;

namespace Onex.Effects.Db;

/// <summary>One transaction of an effect, over one session.</summary>
/// <param name="connection">The session, which stays open.</param>
/// <param name="transaction">The open transaction. Its owner rolls it back unless it is committed here.</param>
/// <param name="context">The attempt.</param>
/// <param name="readOnly">Whether statements must not change anything.</param>
internal sealed class DatabaseSession(NpgsqlConnection connection, NpgsqlTransaction transaction, AttemptContext context, bool readOnly)
{
    /// <summary>The maximum number of rows of all results of an operation together.</summary>
    public const int RowsMax = 100_000;

    /// <summary>The maximum size of all parameters of a statement together, in characters.</summary>
    public const int ParametersMax = 10 * 1024 * 1024;

    // How much later than ours the server's timeout of a statement is. It matters only if our cancellation does not arrive.
    private static readonly TimeSpan _serverTimeoutMargin = TimeSpan.FromSeconds(1);

    private int _bytesLeft = context.LargestResult;
    private int _rowsLeft = RowsMax;
    private bool _isConfigured;

    /// <summary>The present stage. After an exception of this transaction: the stage in which it occurred.</summary>
    public DatabaseStage Stage { get; private set; } = DatabaseStage.Preparing;

    /// <summary>Runs a statement. After a rejection the transaction must be rolled back.</summary>
    public async Task<(DbResult? Result, DatabaseError? Rejection)> RunAsync(DbStatement statement, CancellationToken cancellation)
    {
        if (StatementRules.FindProblem(statement.Sql) is { } problem)
        {
            return Reject("statement_invalid", problem);
        }

        Stage = DatabaseStage.Preparing;
        var parameters = statement.Parameters ?? [];
        await using var command = new NpgsqlCommand(
            statement.Sql, connection, transaction)
        { AllResultTypesAreUnknown = true, CommandTimeout = 0 };
        foreach (var _ in parameters)
        {
            // As text of unknown type, so that the server infers the type and parses the text.
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Unknown, Value = DBNull.Value });
        }

        await command.PrepareAsync(cancellation);
        try
        {
            var columns = await DescribeAsync(command, cancellation);
            var (parameterTypes, types) = await ConfigureAndReadTypesAsync([.. columns.Select(column => column.Type)], cancellation);
            if (Bind(command, parameters, parameterTypes, types) is { } unbound)
            {
                return Reject("parameters_invalid", unbound);
            }

            if (columns.GroupBy(column => column.Name, StringComparer.Ordinal).FirstOrDefault(named => named.Count() > 1) is { } duplicate)
            {
                return Reject("columns_invalid", $"two columns are named '{duplicate.Key}': rename one with AS");
            }

            Stage = DatabaseStage.Running;
            return await ExecuteAsync(command, columns, types, cancellation);
        }
        finally
        {
            await UnprepareAsync(command);
        }
    }

    /// <summary>Commits, even after the attempt's timeout, because an interrupted commit may have happened.</summary>
    public async Task CommitAsync()
    {
        Stage = DatabaseStage.Committing;
        context.Progress.MarkSent();
        await transaction.CommitAsync(CancellationToken.None);
    }

    // Needs no round trip: the client has the columns from the preparation of the statement.
    private static async Task<IReadOnlyList<(string Name, uint Type)>> DescribeAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SchemaOnly, cancellation);
        return [.. Enumerable.Range(0, reader.FieldCount).Select(column => (reader.GetName(column), reader.GetDataTypeOID(column)))];
    }

    // Configures the transaction the first time, in the same round trip.
    private async Task<(uint[]? Parameters, TypeCatalogue Types)> ConfigureAndReadTypesAsync(
        uint[] columnTypes, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection, transaction);
        if (!_isConfigured)
        {
            if (readOnly)
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand("SET TRANSACTION READ ONLY"));
            }

            var timeout = Math.Min((context.Timeout + _serverTimeoutMargin).TotalMilliseconds, int.MaxValue);
            batch.BatchCommands.Add(
                new NpgsqlBatchCommand("SELECT set_config('statement_timeout', $1, true), set_config('onex.command_id', $2, true)")
                {
                    Parameters =
                    {
                        new NpgsqlParameter<string> { TypedValue = timeout.ToString("0", CultureInfo.InvariantCulture) },
                        new NpgsqlParameter<string> { TypedValue = context.CommandId.ToString() },
                    },
                });
        }

        batch.BatchCommands.Add(
            new NpgsqlBatchCommand("SELECT parameter_types::oid[] FROM pg_catalog.pg_prepared_statements WHERE NOT from_sql"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(TypeCatalogue.Sql) { Parameters = { TypeCatalogue.CreateParameter(columnTypes) } });

        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        if (!_isConfigured)
        {
            // Skips the row of set_config.
            await reader.NextResultAsync(cancellation);
        }

        var prepared = new List<uint[]>();
        while (await reader.ReadAsync(cancellation))
        {
            prepared.Add(reader.GetFieldValue<uint[]>(0));
        }

        await reader.NextResultAsync(cancellation);
        var types = await TypeCatalogue.ReadAsync(reader, cancellation);
        _isConfigured = true;
        return (prepared is [var parameterTypes] ? parameterTypes : null, types);
    }

    // Returns the problem; null if all values are bound.
    private static string? Bind(NpgsqlCommand command, IReadOnlyList<JsonElement> values, uint[]? parameterTypes, TypeCatalogue types)
    {
        if (parameterTypes is null)
        {
            return "'sql' must contain one statement; use db.transaction for several";
        }

        if (parameterTypes.Length != values.Count)
        {
            return $"the statement has {Plural.Format(parameterTypes.Length, "parameter")}, "
                + $"but {Plural.Format(values.Count, "value")} came";
        }

        var length = 0L;
        for (var index = 0; index < values.Count; index++)
        {
            var (text, problem) = ParameterText.From(values[index], parameterTypes[index], types);
            if (problem is not null)
            {
                return $"the value of ${index + 1} {problem}";
            }

            length += text?.Length ?? 0;
            if (length > ParametersMax)
            {
                return $"the parameters have more than {ParametersMax} characters";
            }

            command.Parameters[index].Value = (object?)text ?? DBNull.Value;
        }

        return null;
    }

    private async Task<(DbResult? Result, DatabaseError? Rejection)> ExecuteAsync(
        NpgsqlCommand command, IReadOnlyList<(string Name, uint Type)> columns, TypeCatalogue types, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var json = new ArrayBufferWriter<byte>();
        await using var writer = new Utf8JsonWriter(json);
        writer.WriteStartArray();

        // Sequentially, so that the size of a value is checked before it is buffered.
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellation);
        var rows = 0;
        while (await reader.ReadAsync(cancellation))
        {
            rows++;
            _rowsLeft--;
            if (_rowsLeft < 0 || !await WriteRowAsync(writer, reader, columns, types, cancellation))
            {
                await StopAsync(reader, stop);
                cancellation.ThrowIfCancellationRequested();
                return Reject(
                    "result_too_large",
                    $"the result has more than {RowsMax} rows or {context.LargestResult / (1024 * 1024)} MiB; add LIMIT, or choose "
                    + "columns");
            }

            await context.Memory.ReserveAsync(context.LargestResult - _bytesLeft + BytesWritten(writer), cancellation);
        }

        if (await reader.NextResultAsync(cancellation))
        {
            return Reject("statement_invalid", "'sql' must contain one statement; use db.transaction for several");
        }

        writer.WriteEndArray();
        await writer.FlushAsync(cancellation);
        _bytesLeft -= json.WrittenCount;
        return (
            new DbResult
            {
                Rows = JsonElement.Parse(json.WrittenSpan),
                RowCount = reader.RecordsAffected < 0 ? rows : reader.RecordsAffected,
            },
            null);
    }

    // Returns false if the result is too large with this row.
    private async Task<bool> WriteRowAsync(
        Utf8JsonWriter writer, NpgsqlDataReader reader, IReadOnlyList<(string Name, uint Type)> columns, TypeCatalogue types,
        CancellationToken cancellation)
    {
        writer.WriteStartObject();
        for (var index = 0; index < columns.Count; index++)
        {
            var (name, type) = columns[index];
            writer.WritePropertyName(name);
            if (await reader.IsDBNullAsync(index, cancellation))
            {
                writer.WriteNullValue();
                continue;
            }

            await using var stream = await reader.GetStreamAsync(index, cancellation);
            if (stream.Length > _bytesLeft - BytesWritten(writer))
            {
                return false;
            }

            // As bytes, not as the driver's text, so that invalid UTF-8 becomes U+FFFD instead of an exception.
            var bytes = new byte[stream.Length];
            await stream.ReadExactlyAsync(bytes, cancellation);
            ColumnJson.Write(writer, types, type, Encoding.UTF8.GetString(bytes));
        }

        writer.WriteEndObject();
        return BytesWritten(writer) <= _bytesLeft;
    }

    private static long BytesWritten(Utf8JsonWriter writer) => writer.BytesCommitted + writer.BytesPending;

    // Cancels the statement, because closing the reader would fetch all remaining rows.
    private static async Task StopAsync(NpgsqlDataReader reader, CancellationTokenSource stop)
    {
        await stop.CancelAsync();
        try
        {
            while (await reader.ReadAsync(stop.Token))
            {
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    // Deallocates the statement, because ConfigureAndReadTypesAsync expects only one prepared statement in the session.
    private async Task UnprepareAsync(NpgsqlCommand command)
    {
        if (connection.FullState != ConnectionState.Open)
        {
            return;
        }

        try
        {
            await command.UnprepareAsync(CancellationToken.None);
        }
        catch (Exception exception) when (DatabaseErrors.IsFromDatabase(exception))
        {
            // The session is broken; the pool discards it.
        }
    }

    private (DbResult? Result, DatabaseError? Rejection) Reject(string code, string problem) =>
        (null, new DatabaseError(true, code, $"{context.Operation}: {problem}."));
}
