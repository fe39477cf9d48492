using Npgsql;
using Onex.Tests.Support;

namespace Onex.Tests.EndToEnd.Support;

/// <summary>What every other test here stands on.</summary>
public sealed class FixturesTests
{
    [Fact]
    public async Task A_database_of_its_own_refuses_a_wrong_password()
    {
        var server = await PostgresServer.SharedAsync();
        await using var database = await server.CreateDatabaseAsync();

        Assert.Equal(["1|a||t"], await database.QueryAsync("SELECT 1, 'a', NULL, 't'"));
        var wrong = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Password = "wrong", Pooling = false };
        await using var connection = new NpgsqlConnection(wrong.ConnectionString);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => connection.OpenAsync());
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    [Fact]
    public async Task What_was_committed_survives_an_immediate_stop()
    {
        await using var server = await PostgresServer.StartOwnAsync();
        await using var database = await server.CreateDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE kept AS SELECT 7 AS value");

        await server.RestartAsync(PostgresStop.Immediate);

        Assert.Equal(7, await database.ScalarAsync<int>("SELECT value FROM kept"));
    }

    [Fact]
    public async Task What_is_written_to_a_topic_is_read_from_its_beginning()
    {
        var broker = await KafkaBroker.SharedAsync();
        var topic = Names.Next("fixtures");
        await using var reader = new TopicReader(broker.BootstrapServers, topic);
        await broker.CreateTopicAsync(topic, 3);
        using var writer = new TopicWriter(broker.BootstrapServers);

        await writer.SendAsync(topic, """{"correlation_id":"a"}""", partition: 2, headers: new Dictionary<string, string> { ["message_id"] = "m" });

        var read = await reader.ReadAsync("a", TimeSpan.FromSeconds(20));
        Assert.Equal((2, null, "m"), (read.Partition, read.Key, read.MessageId));
    }
}
