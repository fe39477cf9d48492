using Npgsql;

namespace Onex.Persistence.Postgres;

/// <summary>Runs what may be run twice.</summary>
internal static class StoreQueries
{
    private const int ContentionRetries = 20;

    /// <summary>
    /// Runs commands in one round trip and one transaction. What fails on a connection is tried once more on a fresh one (pooled
    /// connections outlive a restart of the server only seemingly), so the commands must bear being run twice.
    /// </summary>
    /// <param name="dataSource">Where.</param>
    /// <param name="commands">What.</param>
    /// <param name="read">Reads the results.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="contentionRetries">How often it is tried again when another transaction was in the way.</param>
    /// <exception cref="Sagas.StoreUnavailableException">The database cannot be reached, or is going down.</exception>
    public static async Task<T> RunAsync<T>(
        this NpgsqlDataSource dataSource,
        NpgsqlBatchCommand[] commands,
        Func<NpgsqlDataReader, Task<T>> read,
        CancellationToken cancellation,
        int contentionRetries = ContentionRetries)
    {
        var fresh = false;
        for (var contentions = 0; ; commands = [.. commands.Select(Anew)])
        {
            try
            {
                await using var connection = await dataSource.OpenConnectionAsync(cancellation);
                await using var batch = new NpgsqlBatch(connection);
                foreach (var command in commands)
                {
                    batch.BatchCommands.Add(command);
                }

                await using var reader = await batch.ExecuteReaderAsync(cancellation);
                var result = await read(reader);

                // To the very end, where the server says that it has committed.
                while (await reader.NextResultAsync(cancellation))
                {
                }

                return result;
            }
            catch (Exception error) when (StoreErrors.IsContention(error) && contentions < contentionRetries)
            {
                contentions++;
            }
            catch (Exception error) when (StoreErrors.IsForgottenStatement(error) && contentions < ContentionRetries)
            {
                contentions++;
                dataSource.Clear();
            }
            catch (Exception error) when (StoreErrors.IsUnavailable(error))
            {
                if (fresh)
                {
                    throw StoreErrors.Unavailable(error);
                }

                fresh = true;
                dataSource.Clear();
            }
        }
    }

    // A command that was run keeps the statement that its connection prepared for it, and would ask any other connection for that one.
    private static NpgsqlBatchCommand Anew(NpgsqlBatchCommand command)
    {
        var anew = new NpgsqlBatchCommand(command.CommandText);
        foreach (NpgsqlParameter parameter in command.Parameters)
        {
            anew.Parameters.Add(parameter.Clone());
        }

        return anew;
    }
}
