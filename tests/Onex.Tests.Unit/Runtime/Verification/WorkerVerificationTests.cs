using Onex.Runtime.Verification;

namespace Onex.Tests.Unit.Runtime.Verification;

/// <summary><c>onex workers verify</c> against workers that keep to docs/worker-protocol.md, and against those that do not.</summary>
public sealed class WorkerVerificationTests
{
    private static readonly OperationDescriptor _declared = new(
        "pricing.quote", OperationRole.Compute, null, ChangesWorld: false,
        [new ArgumentDescriptor("sku", Required: true, "string", ArgumentFilling.Value, "The article.")],
        AnyArguments: false, new Dictionary<string, string> { ["cents"] = "int" }, "The price of a basket.");

    [Fact]
    public async Task A_worker_that_keeps_to_the_protocol_passes_every_case()
    {
        var cases = await VerifyAsync(WorkerFault.None);

        Assert.Equal(15, cases.Count);
        Assert.All(cases, verified => Assert.True(verified is { Failure: null, IsSkipped: false }));
    }

    [Fact]
    public async Task A_case_that_does_not_apply_is_skipped()
    {
        var cases = await VerifyAsync(WorkerFault.None, isDeclared: false);

        Assert.Equal(
            ["missing arguments are not completed", "a cancellation stops a running command"],
            cases.Where(verified => verified.IsSkipped).Select(verified => verified.Name));
    }

    [Theory]
    [InlineData(WorkerFault.Silence, "a command is answered on its home partition", "check that a worker runs, reads pricing-commands")]
    [InlineData(WorkerFault.NoCommandId, "a command is answered on its home partition", "Records without a command_id have arrived")]
    [InlineData(WorkerFault.OtherPartition, "a command is answered on its home partition", "not on the home_partition 0")]
    [InlineData(WorkerFault.OtherKey, "a command is answered on its home partition", "not the command_id")]
    [InlineData(WorkerFault.OtherSaga, "a command is answered on its home partition", "saga_id is not that of its command")]
    [InlineData(WorkerFault.NoCorrelation, "a command is answered on its home partition", "correlation_id is not that of its command")]
    [InlineData(WorkerFault.OtherOutcome, "a command is answered on its home partition", "The outcome is 'done'")]
    [InlineData(WorkerFault.OtherType, "a command is answered on its home partition", "not of the declared type")]
    [InlineData(WorkerFault.AlwaysFails, "a command is answered on its home partition", "It failed with operation_failed: It broke.")]
    [InlineData(WorkerFault.NoTrace, "the trace context is passed on", "traceparent")]
    [InlineData(WorkerFault.NewResultForDuplicate, "a duplicate has the same result", "different results")]
    [InlineData(WorkerFault.RetryIgnored, "a retry is answered as the attempt that it is", "No result of attempt 2")]
    [InlineData(WorkerFault.CompensationIgnored, "a compensation is answered", "No result of attempt 1")]
    [InlineData(WorkerFault.RunsLate, "a command after its not_after is not run", "It was run.")]
    [InlineData(WorkerFault.UnknownFieldsFail, "unknown fields are ignored", "with unknown fields failed with operation_failed")]
    [InlineData(WorkerFault.LargeFails, "a large command is answered", "with large arguments failed with operation_failed")]
    [InlineData(WorkerFault.MissingArgumentsCompleted, "missing arguments are not completed", "without its required arguments")]
    [InlineData(WorkerFault.UnknownOperationFails, "an unknown operation is rejected", "The outcome is failed")]
    [InlineData(WorkerFault.NoCode, "an unknown operation is rejected", "without a code")]
    [InlineData(WorkerFault.StopsAtMalformed, "a malformed record stops nothing", "After malformed records on partition 0")]
    [InlineData(WorkerFault.IgnoresCancellations, "a cancelled command is not run", "It was run.")]
    [InlineData(WorkerFault.RunsOnAfterCancellation, "a cancellation stops a running command", "it still reports")]
    [InlineData(
        WorkerFault.CancelsLaterAttempts, "a cancellation stops no later attempt and no other command", "No result of attempt 2")]
    [InlineData(WorkerFault.ProgressOutOfRange, "reports have their form", "This is no report")]
    public async Task A_worker_with_a_fault_fails_the_case_for_it(WorkerFault fault, string name, string expectedText)
    {
        var failed = (await VerifyAsync(fault)).First(verified => verified.Failure is not null);

        Assert.Equal(name, failed.Name);
        Assert.Contains(expectedText, failed.Failure, StringComparison.Ordinal);
    }

    private static async Task<List<VerifiedCase>> VerifyAsync(WorkerFault fault, bool isDeclared = true)
    {
        using var worker = new FakeWorker(fault);
        var link = new WorkerLink(worker, "pricing-commands", TimeProvider.System);
        worker.Receive = link.Receive;
        var verification = new WorkerVerification(
            link, partitions: 2, homes: 2, within: TimeSpan.FromMilliseconds(50), TimeProvider.System)
        {
            Quiet = TimeSpan.FromMilliseconds(50),
        };
        var operation = new VerifiedOperation("pricing.quote", RawJson.FromText("""{"sku":"a"}"""), isDeclared ? _declared : null)
        {
            LongArguments = !isDeclared ? null : RawJson.FromText("""{"sku":"a","seconds":600}"""),
        };
        var cases = new List<VerifiedCase>();
        await foreach (var verified in verification.RunAsync(operation, TestContext.Current.CancellationToken))
        {
            cases.Add(verified);
        }

        return cases;
    }
}
