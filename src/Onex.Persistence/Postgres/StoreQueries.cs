using Npgsql;

namespace Onex.Persistence.Postgres;

/// <summary>Runs repeatable commands.</summary>
internal static class StoreQueries
{
    private const int ContentionRetries = 20;

    /// <summary>
    /// Runs commands in one round trip and one transaction. If the database is unavailable, they run again, once, on a new connection,
    /// because pooled ones may be dead after a server restart; after a conflict, up to a limit. So the commands must be repeatable.
    /// </summary>
    /// <param name="dataSource">The database.</param>
    /// <param name="commands">The commands.</param>
    /// <param name="read">Reads the results.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <param name="contentionRetries">The most retries after conflicts with other transactions.</param>
    /// <exception cref="StoreUnavailableException">The database cannot be used for now.</exception>
    public static Task<T> RunAsync<T>(
        this NpgsqlDataSource dataSource,
        NpgsqlBatchCommand[] commands,
        Func<NpgsqlDataReader, Task<T>> read,
        CancellationToken cancellation,
        int contentionRetries = ContentionRetries)
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
        int contentionRetries = ContentionRetries)
    {
        var hasReconnected = false;
        for (var contentions = 0; ;)
        {
            try
            {
                await using var connection = await dataSource.OpenConnectionAsync(cancellation);
                return await work(connection);
            }
            catch (Exception error) when (StoreErrors.IsContention(error) && contentions < contentionRetries)
            {
                contentions++;
            }
            catch (Exception error) when (StoreErrors.IsMissingStatement(error) && contentions < ContentionRetries)
            {
                contentions++;
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
