using Microsoft.Extensions.Time.Testing;
using Onex.Persistence.Sagas;
using Onex.Tests.Unit.Effects;
using Onex.Workers;

namespace Onex.Tests.Unit.Workers;

public sealed class ComputeRunnerTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch);
    private readonly ComputeHarness _harness;

    public ComputeRunnerTests() => _harness = new ComputeHarness(_time);

    [Theory]
    [InlineData("hash.sha256", """{"text":"abc"}""", """{"hex":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}""")]
    [InlineData("hash.sha256", """{"text":"ü"}""", """{"hex":"607474ca475a9724d7360aba71a56d5df77e61350e3f724cfa1f46e857e2d85f"}""")]
    [InlineData("transform", """{"values":{"b":1.0,"a":[null,{"x":"ü"}]}}""", """{"b":1.0,"a":[null,{"x":"ü"}]}""")]
    [InlineData(
        "hash.sha512", """{"text":"abc"}""",
        """{"hex":"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"""
            + """2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"}""")]
    // RFC 4231, case 2.
    [InlineData(
        "hash.hmac", """{"text":"what do ya want for nothing?","key":"Jefe"}""",
        """{"hex":"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}""")]
    [InlineData(
        "hash.hmac", """{"text":"what do ya want for nothing?","key":"Jefe","algorithm":"sha512"}""",
        """{"hex":"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"""
            + """9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}""")]
    [InlineData("delay", """{"ms":0}""", "{}")]
    public async Task A_computation_returns_its_result(string operation, string arguments, string expected)
    {
        var result = await RunAsync(EffectsHarness.Command(operation, arguments));

        Assert.Equal(StepOutcomes.Completed, result.Outcome);
        using var expectedJson = JsonDocument.Parse(expected);
        using var actualJson = JsonDocument.Parse(result.Result!.Value.Utf8);
        Assert.True(JsonElement.DeepEquals(expectedJson.RootElement, actualJson.RootElement), actualJson.RootElement.GetRawText());
    }

    [Theory]
    [InlineData("hash.sha256", "{}")]
    [InlineData("hash.sha256", """{"text":7}""")]
    [InlineData("hash.sha256", """{"text":null}""")]
    [InlineData("hash.sha256", """{"text":"a","salt":"b"}""")]
    [InlineData("hash.hmac", """{"text":"a","key":"b","algorithm":"md5"}""")]
    [InlineData("transform", """{"values":[]}""")]
    [InlineData("delay", """{"ms":-1}""")]
    [InlineData("delay", "null")]
    public async Task Invalid_arguments_are_rejected(string operation, string arguments)
    {
        var result = await RunAsync(EffectsHarness.Command(operation, arguments));

        Assert.Equal((StepOutcomes.Rejected, "arguments_invalid"), (result.Outcome, result.Code));
    }

    [Fact]
    public async Task The_result_is_produced_to_the_home_partition()
    {
        var command = EffectsHarness.Command("hash.sha256", """{"text":"abc"}""");

        await RunAsync(command);

        var record = Assert.Single(_harness.Produced.Records);
        Assert.Equal(
            ("worker-responses", command.HomePartition, command.CommandId.ToString()), (record.Topic, record.Partition, record.Key));
        Assert.Contains(new("source", "onex-workers"), record.Headers);
    }

    [Fact]
    public async Task A_computation_is_stopped_at_its_timeout()
    {
        var running = RunAsync(EffectsHarness.Command("delay", """{"ms":60000}""", timeoutMs: 5_000));
        Assert.False(running.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(5));

        var result = await running;

        Assert.Equal((StepOutcomes.Failed, "step_timed_out"), (result.Outcome, result.Code));
    }

    [Fact]
    public async Task A_cancellation_that_is_not_ours_fails_the_attempt()
    {
        _harness.Payloads.Failure = new TaskCanceledException();

        var result = await RunAsync(
            EffectsHarness.Command("transform") with { ArgumentsRef = Guid.CreateVersion7(DateTimeOffset.UnixEpoch) });

        Assert.Equal((StepOutcomes.Failed, "operation_failed"), (result.Outcome, result.Code));
    }

    [Fact]
    public async Task An_unknown_operation_fails_the_attempt() =>
        Assert.Equal("operation_unknown", (await RunAsync(EffectsHarness.Command("hash.md5", "{}"))).Code);

    [Fact]
    public async Task Large_arguments_and_results_are_stored()
    {
        var text = new string('x', 70_000);
        var id = Guid.CreateVersion7(DateTimeOffset.UnixEpoch);
        var command = EffectsHarness.Command("transform") with { ArgumentsRef = id };
        _harness.Payloads.Payloads[id] = new SagaPayload(
            id, command.SagaId, "arguments:1", RawJson.FromText($$$"""{"values":{"t":"{{{text}}}"}}"""));

        var result = await RunAsync(command);

        Assert.Null(result.Result);
        using var stored = JsonDocument.Parse(_harness.Payloads.Payloads[result.ResultRef!.Value].Content.Utf8);
        Assert.Equal(text, stored.RootElement.GetProperty("t").GetString());
    }

    [Fact]
    public async Task Without_a_database_stored_arguments_fail_and_large_results_are_sent_inline()
    {
        var command = EffectsHarness.Command("transform", $$$"""{"values":{"t":"{{{new string('x', 70_000)}}}"}}""");

        Assert.NotNull((await RunAsync(command, store: null)).Result);
        Assert.Equal(
            "store_missing",
            (await RunAsync(command with { Arguments = null, ArgumentsRef = command.SagaId.Value }, store: null)).Code);
    }

    [Fact]
    public void The_compiler_knows_the_compute_operations()
    {
        Assert.All(ComputeOperations.Descriptors, operation =>
            Assert.Equal((OperationRole.Compute, null, false), (operation.Role, operation.ConnectionType, operation.ChangesWorld)));
        var operations = ComputeOperations.Descriptors.ToDictionary(operation => operation.Name);
        var hash = operations["hash.sha256"];
        Assert.Equal(("text", true, "string"), (hash.Arguments[0].Name, hash.Arguments[0].Required, hash.Arguments[0].Type));
        Assert.Equal("string", hash.Result["hex"]);
        Assert.Equal("map(any)", operations["transform"].Arguments[0].Type);
        Assert.Equal(["item", "index", "values"], operations["filter"].Arguments.Single(argument => argument.Name == "where").Reads);
    }

    private Task<StepResult> RunAsync(StepCommand command) => RunAsync(command, _harness.Payloads);

    private Task<StepResult> RunAsync(StepCommand command, IPayloads? store) => _harness.RunAsync(command, store);
}
