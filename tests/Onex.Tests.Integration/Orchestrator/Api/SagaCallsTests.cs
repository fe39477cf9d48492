using System.Text;
using Microsoft.AspNetCore.Http;
using Onex.Engine;
using Onex.Orchestrator.Api;
using Onex.Persistence.Sqlite;

namespace Onex.Tests.Integration.Orchestrator.Api;

public sealed class SagaCallsTests : IDisposable
{
    private static readonly CancellationToken _none = CancellationToken.None;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-calls-");
    private readonly SqliteDatabase _database;

    public SagaCallsTests() => _database = new SqliteDatabase(new SqliteStoreSettings(Path.Combine(_directory.FullName, "onex.db")));

    [Fact]
    public async Task The_last_error_of_a_saga_is_found_however_many_entries_its_latest_transitions_wrote()
    {
        await _database.OpenAsync(_none);
        var row = Rows.New();
        HistoryEntry[] history = [Failure(0, "first"), .. Enumerable.Range(1, 998).Select(Happened), Failure(999, "last"), Happened(1_000)];
        await new SqliteSagaStore(_database, TimeProvider.System).CommitAsync(
            new CommitBatch([new CommitEntry.Start(row, history, [], [])], []), _none);
        var http = new DefaultHttpContext();
        http.Request.RouteValues["id"] = row.Id.ToString();
        using var body = new MemoryStream();
        http.Response.Body = body;

        await new SagaCalls(new Control(), new SqliteSagaQueries(_database), historyMax: 1_000)
            .WhyAsync(new ApiCall(http, ApiRoutes.All[0], "loopback"));

        Assert.Contains("\"code\":\"last\"", Encoding.UTF8.GetString(body.ToArray()), StringComparison.Ordinal);

        HistoryEntry Happened(int ordinal) => Rows.Happened(row) with { Ordinal = ordinal };

        HistoryEntry Failure(int ordinal, string code) => Happened(ordinal) with
        {
            Kind = "attempt_failed",
            Step = "charge",
            Detail = RawJson.FromText($$"""{"code":"{{code}}"}"""),
        };
    }

    public void Dispose()
    {
        _database.Dispose();
        _directory.Delete(recursive: true);
    }

    // Every saga waits.
    private sealed class Control : ISagaControl
    {
        public Task<WaitReason?> WhyAsync(SagaId sagaId, CancellationToken cancellation) =>
            Task.FromResult<WaitReason?>(new WaitReason("It waits.", "waiting", "charging", Rows.Now, null, [], []));

        public Task<Submission> SubmitAsync(
            ReadOnlyMemory<byte> body, IReadOnlyList<KeyValuePair<string, string>> headers, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<ReadOnlyMemory<byte>?> WaitForResponseAsync(
            Submission.Accepted request, TimeSpan within, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<(bool Exists, ReadOnlyMemory<byte>? Response)> FindResponseAsync(SagaId sagaId, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<OperatorAnswer> OperateAsync(
            SagaId sagaId, OperatorCommand command, string operatorName, string? reason, CancellationToken cancellation) =>
            throw new NotSupportedException();
    }
}
