using System.Net;
using Microsoft.Extensions.Time.Testing;
using Onex.Operations.Testing;

namespace Onex.Tests.Unit.Operations;

/// <summary>The kit with which authors of plug-ins test their operations.</summary>
public sealed class OperationTestTests
{
    [Fact]
    public async Task A_compute_runs_in_memory_with_its_progress()
    {
        var run = await OperationTest.For(new Sum()).RunAsync("""{"numbers": [1, 2]}""", TestContext.Current.CancellationToken);

        Assert.Equal((EffectStatus.Completed, 3), (run.Status, run.Result?.GetProperty("total").GetInt32()));
        Assert.Equal([(0.5, "1"), (1, "2")], run.Progress.Select(report => (report.Fraction!.Value, report.Text)));
    }

    [Theory]
    [InlineData("""{"numbers": ["one"]}""", EffectStatus.Rejected, "arguments_invalid")]
    [InlineData("""{"nombers": [1]}""", EffectStatus.Rejected, "arguments_invalid")]
    [InlineData("""{"numbers": [-1]}""", EffectStatus.Rejected, "negative")]
    [InlineData("""{"numbers": [2147483647, 1]}""", EffectStatus.Failed, "operation_failed")]
    public async Task An_exception_becomes_the_outcome_that_it_has_in_the_host(string arguments, EffectStatus status, string code)
    {
        var run = await OperationTest.For(new Sum()).RunAsync(arguments, TestContext.Current.CancellationToken);

        Assert.Equal((status, code), (run.Status, run.Code));
    }

    [Fact]
    public async Task An_effect_gets_a_connection_of_the_test()
    {
        var shop = TestConnection.Http(request => new HttpResponseMessage(
            request.RequestUri!.AbsolutePath == "/orders/7" ? HttpStatusCode.OK : HttpStatusCode.NotFound));
        var test = OperationTest.For(new Look()).With(connection: shop);

        var found = await test.RunAsync("""{"path": "orders/7"}""", TestContext.Current.CancellationToken);
        var missing = await test.RunAsync("""{"path": "orders/8"}""", TestContext.Current.CancellationToken);

        Assert.Equal(EffectStatus.Completed, found.Status);
        Assert.Equal((EffectStatus.Rejected, "http_404"), (missing.Status, missing.Code));
    }

    [Fact]
    public async Task A_fake_clock_ends_an_attempt_at_its_time_limit()
    {
        var time = new FakeTimeProvider();
        var running = OperationTest.For(new Wait()).With(time: time, timeout: TimeSpan.FromSeconds(5))
            .RunAsync("{}", TestContext.Current.CancellationToken);

        time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal((EffectStatus.Failed, "step_timed_out"), ((await running).Status, (await running).Code));
    }

    [Fact]
    public async Task Each_run_returns_its_own_progress()
    {
        var test = OperationTest.For(new Sum());

        var first = await test.RunAsync("""{"numbers": [1, 2]}""", TestContext.Current.CancellationToken);
        var second = await test.RunAsync("""{"numbers": [3]}""", TestContext.Current.CancellationToken);

        Assert.Equal(["1", "2"], first.Progress.Select(report => report.Text));
        Assert.Equal(["3"], second.Progress.Select(report => report.Text));
    }

    [Fact]
    public async Task A_cancellation_of_the_operation_itself_is_a_failure_as_in_the_host()
    {
        var run = await OperationTest.For(new GiveUp()).RunAsync("{}", TestContext.Current.CancellationToken);

        Assert.Equal((EffectStatus.Failed, "operation_failed"), (run.Status, run.Code));
    }

    [Fact]
    public async Task A_cancellation_of_the_caller_ends_the_run()
    {
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var running = OperationTest.For(new Wait()).RunAsync("{}", caller.Token);

        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public void A_class_that_is_no_operation_is_rejected() =>
        Assert.Throws<ArgumentException>(() => OperationTest.For(new object()));

    private sealed record SumArguments
    {
        [Argument("The numbers.")]
        public required IReadOnlyList<int> Numbers { get; init; }
    }

    private sealed record SumResult
    {
        [Result("Their sum.")]
        public required int Total { get; init; }
    }

    [Operation("acme.sum", Description = "Adds numbers.")]
    private sealed class Sum : Compute<SumArguments, SumResult>
    {
        protected override Task<SumResult> RunAsync(SumArguments arguments, ComputeContext context, CancellationToken cancellation)
        {
            var total = 0;
            foreach (var number in arguments.Numbers)
            {
                total = number < 0 ? throw new OperationRejectedException("negative", "A number is negative.") : checked(total + number);
                context.ReportProgress((double)number / arguments.Numbers.Count, $"{number}");
            }

            return Task.FromResult(new SumResult { Total = total });
        }
    }

    private sealed record LookArguments
    {
        [Argument("The path.")]
        public required string Path { get; init; }
    }

    private sealed record Nothing;

    [Operation("acme.look", Description = "Looks.", ConnectionType = "http")]
    private sealed class Look : Effect<LookArguments, Nothing>
    {
        protected override async Task<EffectOutcome<Nothing>> RunAsync(
            LookArguments arguments, EffectContext context, CancellationToken cancellation)
        {
            using var response = await context.Connection.Http.GetAsync(new Uri(arguments.Path, UriKind.Relative), cancellation);
            response.EnsureSuccessStatusCode();
            return Completed(new Nothing());
        }
    }

    [Operation("acme.give_up", Description = "Ends with a time limit of its own.")]
    private sealed class GiveUp : Compute<Nothing, Nothing>
    {
        protected override Task<Nothing> RunAsync(Nothing arguments, ComputeContext context, CancellationToken cancellation) =>
            throw new OperationCanceledException("A time limit of its own.");
    }

    [Operation("acme.wait", Description = "Waits.")]
    private sealed class Wait : Compute<Nothing, Nothing>
    {
        protected override async Task<Nothing> RunAsync(Nothing arguments, ComputeContext context, CancellationToken cancellation)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, context.Time, cancellation);
            return arguments;
        }
    }
}
