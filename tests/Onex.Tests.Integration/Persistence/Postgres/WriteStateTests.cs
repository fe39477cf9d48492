using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Onex.Persistence;

namespace Onex.Tests.Integration.Persistence.Postgres;

/// <summary>Rejected writes that show a problem of the database, with errors of a real PostgreSQL.</summary>
public sealed class WriteStateTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("disk_full", "Make room on the disk of the database.")]
    [InlineData("read_only_sql_transaction", "POSTGRES_HOST")]
    [InlineData("insufficient_privilege", "Grant POSTGRES_USER")]
    [InlineData("io_error", "log of PostgreSQL")]
    public async Task A_rejected_write_is_a_problem_until_one_succeeds(string rejection, string remedy)
    {
        var state = new WriteState(_time);
        await WriteAsync(state, rejection);

        Assert.StartsWith("PostgreSQL rejects writes: No. (SQLSTATE ", state.Problem?.Error, StringComparison.Ordinal);
        Assert.Contains(remedy, state.Problem?.Remedy, StringComparison.Ordinal);

        await state.WatchAsync(() => Task.FromResult(true));
        Assert.Null(state.Problem);
    }

    // Reads can fail with these, too, so they show no problem of writes.
    [Theory]
    [InlineData("query_canceled")]
    [InlineData("admin_shutdown")]
    [InlineData("undefined_table")]
    public async Task Other_failures_of_a_write_are_not_reported_as_a_problem(string failure)
    {
        var state = new WriteState(_time);
        await WriteAsync(state, failure);

        Assert.Null(state.Problem);
    }

    [Fact]
    public async Task A_problem_is_no_longer_reported_ten_seconds_after_the_last_rejected_write()
    {
        var state = new WriteState(_time);
        await WriteAsync(state, "disk_full");
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.NotNull(state.Problem);

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(state.Problem);
    }

    private async Task WriteAsync(WriteState state, string rejection) => await Assert.ThrowsAsync<StoreUnavailableException>(
        () => state.WatchAsync(
            () => database.DataSource.RunAsync(
                [new NpgsqlBatchCommand($"DO $$ BEGIN RAISE 'No.' USING ERRCODE = '{rejection}'; END $$")], _ => Task.FromResult(true),
                CancellationToken.None)));
}
