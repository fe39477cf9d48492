using Npgsql;

namespace Onex.Tests.EndToEnd.Support;

/// <summary>Tests of the fixtures.</summary>
public sealed class FixturesTests
{
    [Fact]
    public async Task A_test_database_rejects_a_wrong_password()
    {
        var server = await PostgresServer.SharedAsync();
        await using var database = await server.CreateDatabaseAsync();

        Assert.Equal(["1|a||t"], await database.QueryAsync("SELECT 1, 'a', NULL, 't'"));
        var wrong = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Password = "wrong", Pooling = false };
        await using var connection = new NpgsqlConnection(wrong.ConnectionString);
        var rejected = await Assert.ThrowsAsync<PostgresException>(() => connection.OpenAsync());
        Assert.Equal(PostgresErrorCodes.InvalidPassword, rejected.SqlState);
    }

    [Fact]
    public async Task Committed_rows_survive_an_immediate_stop()
    {
        await using var server = await PostgresServer.StartOwnAsync();
        await using var database = await server.CreateDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE kept AS SELECT 7 AS value");

        await server.RestartAsync(PostgresStop.Immediate);

        Assert.Equal(7, await database.ScalarAsync<int>("SELECT value FROM kept"));
    }

    [Fact]
    public async Task A_reader_gets_the_records_of_a_topic_that_is_created_after_it()
    {
        var broker = await KafkaBroker.SharedAsync();
        var topic = Names.Next("fixtures");
        await using var reader = new TopicReader(broker.BootstrapServers, topic);
        await broker.CreateTopicAsync(topic, 3);
        using var writer = new TopicWriter(broker.BootstrapServers);

        await writer.SendAsync(
            topic, """{"correlation_id":"a"}""", partition: 2, headers: new Dictionary<string, string> { ["message_id"] = "m" });

        var read = await reader.ReadAsync("a", TimeSpan.FromMinutes(1));
        Assert.Equal((2, null, "m"), (read.Partition, read.Key, read.MessageId));
    }

    [Fact]
    public async Task Acknowledged_records_survive_a_killed_broker()
    {
        await using var broker = await KafkaBroker.StartOwnAsync();
        await broker.CreateTopicAsync("kept", 1);
        using var writer = new TopicWriter(broker.BootstrapServers);
        await writer.SendAsync("kept", """{"correlation_id":"before"}""");

        await broker.KillAsync();
        await broker.StartAsync();
        await writer.SendAsync("kept", """{"correlation_id":"after"}""");

        await using var reader = new TopicReader(broker.BootstrapServers, "kept");
        await reader.ReadAsync("after", TimeSpan.FromMinutes(1));
        Assert.Equal(["before", "after"], reader.Records.Select(record => record.CorrelationId));
    }

    [Fact]
    public async Task A_mock_cluster_stores_records()
    {
        await using var broker = await KafkaBroker.StartMockAsync();
        var topic = Names.Next("imitated");
        await broker.CreateTopicAsync(topic, 1);
        using var writer = new TopicWriter(broker.BootstrapServers);
        await writer.SendAsync(topic, """{"correlation_id":"a"}""");

        await using var reader = new TopicReader(broker.BootstrapServers, topic);

        await reader.ReadAsync("a", TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_test_service_acts_once_per_idempotency_key_and_reports_a_second_key_for_one_step()
    {
        await using var services = await ExternalServices.StartAsync();
        services.Treat("poor", new Treatment { CardDeclined = true });
        services.Treat("flaky", new Treatment { Failures = 1 });
        using var http = new HttpClient { BaseAddress = services.Address };

        Assert.Equal(200, await CallAsync(http, HttpMethod.Post, "/reservations", "k1", """{"order":"o"}"""));
        Assert.Equal(200, await CallAsync(http, HttpMethod.Post, "/reservations", "k1", """{"order":"o"}"""));
        Assert.Equal(200, await CallAsync(http, HttpMethod.Delete, "/reservations/r-o", "k2", ""));
        Assert.Equal(402, await CallAsync(http, HttpMethod.Post, "/charges", "k3", """{"order":"poor"}"""));
        Assert.Equal(503, await CallAsync(http, HttpMethod.Post, "/parcels", "k4", """{"order":"flaky"}"""));
        Assert.Equal(200, await CallAsync(http, HttpMethod.Post, "/parcels", "k4", """{"order":"flaky"}"""));
        Assert.Equal(200, await CallAsync(http, HttpMethod.Post, "/refunds", "k5", """{"ref":"p-o"}"""));

        Assert.Equal(["reserve", "undo reserve", "undo charge"], services.EffectsOf("o"));
        Assert.Empty(services.EffectsOf("poor"));
        Assert.Equal(["pack"], services.EffectsOf("flaky"));
        Assert.Empty(services.KeyViolations());

        await CallAsync(http, HttpMethod.Post, "/reservations", "another", """{"order":"o"}""");
        Assert.Equal(["o reserve: [k1, another]"], services.KeyViolations());
    }

    private static async Task<int> CallAsync(HttpClient http, HttpMethod method, string path, string key, string body)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body) };
        request.Headers.Add("Idempotency-Key", key);
        using var response = await http.SendAsync(request);
        return (int)response.StatusCode;
    }
}
