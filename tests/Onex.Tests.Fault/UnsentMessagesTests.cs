using System.Text.Json;
using Npgsql;
using Onex.Contracts.Messages;

namespace Onex.Tests.Fault;

/// <summary>
/// The moment between a commit and its messages. The database delays an orchestrator's commit until that orchestrator is dead, and then
/// lets it succeed. The messages of this commit must still be sent, and only another orchestrator can do that.
/// </summary>
public sealed class UnsentMessagesTests
{
    // A client that connects as this user is blocked when it commits the end of a saga. The same transaction records that saga.
    private const string Doomed = "doomed";
    private const string Gate = "7";
    private const string HoldSql =
        $"""
        CREATE TABLE public.held (saga_id uuid);
        CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF session_user = '{Doomed}' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL THEN
            INSERT INTO public.held VALUES (NEW.id);
            PERFORM pg_advisory_xact_lock_shared({Gate});
          END IF;
          RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER hold AFTER UPDATE ON onex.sagas DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold();
        """;

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Messages_that_a_dead_orchestrator_committed_for_a_revoked_saga_are_sent_once()
    {
        await using var postgres = await PostgresServer.StartOwnAsync();
        await using var stack = await OnexStack.CreateAsync(postgres);
        await stack.StartReadyAsync("main", "workers");
        var correlationIds = new List<string>();
        for (var partition = 0; partition < OnexStack.Partitions; partition++)
        {
            correlationIds.Add(await stack.OrderAsync(Names.Next("unsent"), partition: partition));
        }

        await stack.Database.ExecuteAsync($"CREATE ROLE {Doomed} SUPERUSER LOGIN PASSWORD '{Doomed}'; {HoldSql}");
        await using var gate = new NpgsqlConnection(stack.Database.ConnectionString + ";Pooling=false");
        await gate.OpenAsync();
        await using (var closeGate = new NpgsqlCommand($"SELECT pg_advisory_lock({Gate})", gate))
        {
            await closeGate.ExecuteNonQueryAsync();
        }

        var doomed = stack.Start("main", new Dictionary<string, string> { ["POSTGRES_USER"] = Doomed, ["POSTGRES_PASSWORD"] = Doomed });
        await doomed.ReadyAsync();
        using var stop = new CancellationTokenSource();
        var effects = PlayEffectsAsync(stack, stop.Token);

        await Eventually.Async(
            async () =>
                await stack.Database.ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") > 0,
            _within,
            () => "the orchestrator that will be killed commits no end of a saga");
        await doomed.KillAsync();
        await gate.CloseAsync();

        foreach (var correlationId in correlationIds)
        {
            Assert.Equal("success", (await stack.Responses.ReadAsync(correlationId, _within)).Field("status"));
        }

        await stop.CancelAsync();
        var commands = await effects;
        await stack.AllEndedAsync(OnexStack.Partitions, TimeSpan.FromMinutes(1));
        stack.AssertOneResponseEach(correlationIds);
        Assert.NotEqual(0, await stack.Database.ScalarAsync<long>("SELECT count(*) FROM public.held"));
        Assert.Empty(await stack.Database.QueryAsync(
            "SELECT saga_id, kind, step FROM onex.saga_history WHERE kind IN ('step_completed', 'ended') GROUP BY 1, 2, 3 HAVING "
                + "count(*) > 1"));
        Assert.All(
            commands.GroupBy(command => (command.SagaId, command.Step)),
            step => Assert.Single(step.Select(command => command.CommandId).Distinct()));
    }

    // Replaces runtime-effects: every command succeeds, and its result goes to the orchestrator that does not own the home partition of the
    // saga. Two orchestrators share the partitions in two ranges, so the other one owns the partition that is half their number away.
    private static async Task<IReadOnlyList<StepCommand>> PlayEffectsAsync(OnexStack stack, CancellationToken stop)
    {
        await using var reader = new TopicReader(stack.Broker.BootstrapServers, stack.Topic("effect-requests"));
        var commands = new List<StepCommand>();
        while (true)
        {
            await Eventually.Async(
                () => stop.IsCancellationRequested || reader.Records.Count > commands.Count,
                _within,
                () => $"no command after {commands.Count}");
            if (stop.IsCancellationRequested)
            {
                return commands;
            }

            var command = JsonSerializer.Deserialize(reader.Records[commands.Count].Bytes, MessageJson.Default.StepCommand)!;
            commands.Add(command);
            var result = new StepResult
            {
                CommandId = command.CommandId,
                Attempt = command.Attempt,
                SagaId = command.SagaId,
                CorrelationId = command.CorrelationId,
                Outcome = StepOutcomes.Completed,
                Result = RawJson.FromText("""{"status_code":200,"headers":{},"body":{"id":"x","ref":"y"}}"""),
            };
            await stack.Writer.SendAsync(
                stack.Topic("effect-responses"),
                JsonSerializer.Serialize(result, MessageJson.Default.StepResult),
                command.CommandId.ToString(),
                (command.HomePartition + (OnexStack.Partitions / 2)) % OnexStack.Partitions);
        }
    }
}
