using Onex.Persistence.Outbox;

namespace Onex.Tests.Integration.Persistence.Postgres;

/// <summary>The messages of a commit share a row of <c>outbox_batches</c>, which is deleted with its last message.</summary>
public sealed class OutboxBatchTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly string[] _texts = ["a", "b", "c"];

    private readonly OutgoingMessage[] _messages = [.. _texts.Select(Rows.Message)];
    // The stores of two processes. The first one has committed the messages.
    private readonly PostgresSagaStore _first = Store(database);
    private readonly PostgresSagaStore _second = Store(database);

    public async ValueTask InitializeAsync()
    {
        await database.Database.ExecuteAsync("TRUNCATE onex.outbox_batches");
        var committed = await _first.CommitAsync(
            new CommitBatch([.. _messages.Select(message => new CommitEntry.Start(Rows.New(), [], [message], []))], []), _none);
        Assert.All(committed, result => Assert.IsType<CommitResult.Committed>(result));
        Assert.Equal(1, await RowsAsync());
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task The_row_is_deleted_with_its_last_message_in_any_order()
    {
        await _first.DeleteAsync([Id(1)], _none);
        Assert.Equal(["a", "c"], await UnsentAsync(_first));
        await _first.DeleteAsync([Id(2), Id(2)], _none);
        Assert.Equal(["a"], await UnsentAsync(_second));

        await _first.DeleteAsync([Id(0), Id(1)], _none);
        Assert.Equal(0, await RowsAsync());
    }

    [Fact]
    public async Task A_commit_that_names_all_messages_of_a_row_deletes_it()
    {
        await _first.CommitAsync(new CommitBatch([Rows.Start(Rows.New())], [.. _messages.Select(message => message.MessageId)]), _none);

        Assert.Equal(0, await RowsAsync());
    }

    [Fact]
    public async Task Two_processes_that_send_parts_of_a_row_delete_it_together()
    {
        Assert.Equal(_texts, await UnsentAsync(_second));

        await _second.DeleteAsync([Id(0)], _none);
        await _first.DeleteAsync([Id(0), Id(1)], _none);
        Assert.Equal(["c"], await UnsentAsync(_first));
        await _second.DeleteAsync([Id(1), Id(2)], _none);

        Assert.Equal(0, await RowsAsync());
    }

    [Fact]
    public async Task A_process_that_neither_committed_nor_read_a_message_finds_it_by_its_id()
    {
        await _second.DeleteAsync([Id(1)], _none);
        Assert.Equal(["a", "c"], await UnsentAsync(_first));

        await _second.DeleteAsync([Id(0), Id(2), MessageId.Create(Rows.Now)], _none);
        Assert.Equal(0, await RowsAsync());
    }

    [Fact]
    public async Task Messages_that_are_deleted_concurrently_are_all_deleted()
    {
        await Task.WhenAll(_messages.Select(message => Task.Run(() => _first.DeleteAsync([message.MessageId], _none))));

        Assert.Equal(0, await RowsAsync());
    }

    [Fact]
    public async Task A_large_commit_has_rows_of_limited_size_in_the_order_of_its_messages()
    {
        await _first.DeleteAsync([.. _messages.Select(message => message.MessageId)], _none);
        string[] texts = [.. Enumerable.Range(0, OutboxSql.MessagesMax + 1).Select(number => number.ToString("0000", null))];

        await _first.CommitAsync(
            new CommitBatch([.. texts.Select(text => new CommitEntry.Start(Rows.New(), [], [Rows.Message(text)], []))], []), _none);

        Assert.Equal(2, await RowsAsync());
        Assert.Equal(texts, await UnsentAsync(_second));
    }

    private static PostgresSagaStore Store(TestDatabase database) =>
        new(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);

    private static async Task<IEnumerable<string>> UnsentAsync(IOutbox outbox) =>
        (await outbox.UnsentForAsync(TimeSpan.FromSeconds(-1), 10_000, _none)).Select(unsent => unsent.Message.Key);

    private MessageId Id(int message) => _messages[message].MessageId;

    private Task<long> RowsAsync() => database.Database.ScalarAsync<long>("SELECT count(*) FROM onex.outbox_batches");
}
