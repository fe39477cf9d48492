using Npgsql;

namespace Onex.Persistence.Postgres;

/// <summary>Runs repeatable commands.</summary>
internal static class StoreQueries
{
    private const int RetriesMax = 20;

    /// <summary>
    /// Runs commands in one round trip and one transaction. If the database is unavailable, they run again, once, on a new connection,
    /// because pooled ones may be dead after a server restart; up to 20 times after a conflict, or if the server lacks a prepared
    /// statement. So the commands must be repeatable.
    /// </summary>
    /// <param name="dataSource">The database.</param>
    /// <param name="commands">The commands.</param>
    /// <param name="read">Reads the results.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <param name="contentionRetries">A lower maximum for retries after conflicts: 0 if the caller does the work later instead.</param>
    /// <exception cref="StoreUnavailableException">The database cannot be used for now.</exception>
    public static Task<T> RunAsync<T>(
        this NpgsqlDataSource dataSource,
        NpgsqlBatchCommand[] commands,
        Func<NpgsqlDataReader, Task<T>> read,
        CancellationToken cancellation,
        int contentionRetries = RetriesMax)
    {
        var isRepeated = false;
        return dataSource.RepeatAsync(
            async connection =>
            {
                await using var batch = new NpgsqlBatch(connection);
                foreach (var command in commands)
                {
                    batch.BatchCommands.Add(isRepeated ? Copy(command) : command);
                }

                isRepeated = true;
                await using var reader = await batch.ExecuteReaderAsync(cancellation);
                var result = await read(reader);

                // Reads to the end, where the server confirms the commit.
                while (await reader.NextResultAsync(cancellation))
                {
                }

                return result;
            },
            cancellation,
            contentionRetries);
    }

    /// <summary>Runs work on a connection, and repeats it on the same conditions as <see cref="RunAsync"/> repeats its commands.</summary>
    /// <exception cref="StoreUnavailableException">The database cannot be used for now.</exception>
    public static async Task<T> RepeatAsync<T>(
        this NpgsqlDataSource dataSource,
        Func<NpgsqlConnection, Task<T>> work,
        CancellationToken cancellation,
        int contentionRetries = RetriesMax)
    {
        var hasReconnected = false;
        for (var retries = 0; ;)
        {
            try
            {
                await using var connection = await dataSource.OpenConnectionAsync(cancellation);
                return await work(connection);
            }
            catch (Exception error) when (StoreErrors.IsContention(error) && retries < contentionRetries)
            {
                retries++;
            }
            catch (Exception error) when (StoreErrors.IsMissingStatement(error) && retries < RetriesMax)
            {
                retries++;
                dataSource.Clear();
            }
            catch (Exception error) when (StoreErrors.IsContention(error) || StoreErrors.IsMissingStatement(error))
            {
                throw StoreErrors.Unavailable(error);
            }
            catch (Exception error) when (StoreErrors.IsUnavailable(error))
            {
                if (hasReconnected)
                {
                    throw StoreErrors.Unavailable(error);
                }

                hasReconnected = true;
                dataSource.Clear();
            }
        }
    }

    // An executed command keeps the statement that its connection prepared, which another connection does not have.
    private static NpgsqlBatchCommand Copy(NpgsqlBatchCommand command)
    {
        var copy = new NpgsqlBatchCommand(command.CommandText);
        foreach (NpgsqlParameter parameter in command.Parameters)
        {
            copy.Parameters.Add(parameter.Clone());
        }

        return copy;
    }
}
