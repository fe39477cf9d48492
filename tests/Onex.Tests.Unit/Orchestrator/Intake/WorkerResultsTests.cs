using Onex.Orchestrator.Intake;

namespace Onex.Tests.Unit.Orchestrator.Intake;

/// <summary>Invalid results of workers, which other teams may have written, become failed results that describe the problem.</summary>
public sealed class WorkerResultsTests
{
    private static readonly StepResult _result = new()
    {
        CommandId = new(Guid.CreateVersion7()),
        Attempt = 1,
        SagaId = SagaId.Create(DateTimeOffset.UnixEpoch),
        CorrelationId = Guid.Empty,
        Outcome = StepOutcomes.Completed,
    };

    [Theory]
    [InlineData("completed", null, null)]
    [InlineData("rejected", "sold_out", null)]
    [InlineData("failed", "database_away", "not_sent")]
    public void A_valid_result_is_unchanged(string outcome, string? code, string? reach)
    {
        var result = _result with
        {
            Outcome = outcome,
            Code = code,
            Reach = reach,
            Message = "Why.",
            Result = outcome == StepOutcomes.Completed ? RawJson.FromText("""{"cents":7}""") : null,
        };

        Assert.Same(result, WorkerResults.Check(result));
    }

    [Theory]
    [InlineData("done", null, "result_invalid", "sent", "The worker answered with the outcome 'done'; there are completed, ")]
    [InlineData("rejected", "Sold out!", "result_invalid", "answered", "The worker answered with the code 'Sold out!'.")]
    public void An_invalid_result_fails_its_attempt(string outcome, string? code, string failureCode, string reach, string message)
    {
        var checkedResult = WorkerResults.Check(_result with { Outcome = outcome, Code = code });

        Assert.Equal((StepOutcomes.Failed, failureCode, reach), (checkedResult.Outcome, checkedResult.Code, checkedResult.Reach));
        Assert.StartsWith(message, checkedResult.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("null")]
    public void A_completed_result_without_content_becomes_an_empty_object(string? content)
    {
        var empty = WorkerResults.Check(_result with { Result = content is null ? null : RawJson.FromText(content) });

        Assert.Equal(("completed", "{}"), (empty.Outcome, empty.Result.ToString()));
        Assert.Null(WorkerResults.Check(_result with { Outcome = StepOutcomes.Failed }).Result);
        Assert.Null(WorkerResults.Check(_result with { ResultRef = Guid.CreateVersion7() }).Result);
    }

    [Fact]
    public void A_result_that_is_too_large_fails_its_attempt_with_its_size()
    {
        var large = new RawJson(System.Text.Encoding.UTF8.GetBytes($"{{\"text\":\"{new string('x', MessageSizes.RemoteMax)}\"}}"));

        var checkedResult = WorkerResults.Check(_result with { Result = large });

        Assert.Equal(("result_too_large", StepReaches.Done), (checkedResult.Code, checkedResult.Reach));
        Assert.Null(checkedResult.Result);
        Assert.StartsWith("The worker's result has 524,299 bytes; 524,288 are allowed.", checkedResult.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"attempt":1,"outcome":"completed"}""", "it has no 'command_id', 'saga_id', 'correlation_id'.")]
    [InlineData("[]", "it is not a JSON object.")]
    public void The_problem_of_an_unreadable_result_names_the_missing_fields(string value, string expected)
    {
        Assert.Null(ResultReader.Read(System.Text.Encoding.UTF8.GetBytes(value), out var problem));

        Assert.Equal(expected, problem);
    }

    [Fact]
    public void A_long_message_is_shortened()
    {
        var message = WorkerResults.Check(_result with { Outcome = "failed", Message = new string('m', 5_000) }).Message;

        Assert.Equal(2_003, message!.Length);
    }
}
