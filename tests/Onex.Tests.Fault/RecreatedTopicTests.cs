using System.Net;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Onex.Tests.Fault;

/// <summary>Topics are deleted and created again while all roles run.</summary>
public sealed class RecreatedTopicTests
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task The_orchestrator_is_not_ready_without_the_request_topic_and_answers_every_request_of_its_replacement()
    {
        await using var stack = await OnexStack.CreateAsync();
        stack.Broker.NeedsReal("deletes no topics");
        var main = (await stack.StartReadyAsync("main", "effects", "workers"))[0];
        var requests = stack.Topic("requests");
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = stack.Broker.BootstrapServers }).Build();
        var correlationIds = new List<string>();
        await OrderAsync(stack, correlationIds);
        await WaitForAnswersAsync(stack, correlationIds);

        await admin.DeleteTopicsAsync([requests]);
        await Eventually.Async(
            async () => await main.GetAsync("/ready") is { Status: HttpStatusCode.ServiceUnavailable } answer
                && answer.Body.Contains($"there is no topic {requests}", StringComparison.Ordinal),
            _within,
            () => "the orchestrator is ready without its request topic");
        await admin.CreateTopicsAsync([new TopicSpecification { Name = requests, NumPartitions = OnexStack.Partitions }]);
        for (var i = 0; i < 3; i++)
        {
            await OrderAsync(stack, correlationIds);
        }

        await WaitForAnswersAsync(stack, correlationIds);
        await main.ReadyAsync(_within);
        stack.AssertOneResponseEach(correlationIds);
        Assert.Single(main.Output, line => line.Contains("was deleted and created again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Commands_and_responses_wait_while_their_topics_are_missing()
    {
        await using var stack = await OnexStack.CreateAsync();
        stack.Broker.NeedsReal("deletes no topics");
        var main = (await stack.StartReadyAsync("main", "effects", "workers"))[0];
        string[] topics = [stack.Topic("effect-requests"), stack.Topic("worker-requests"), stack.Topic("effect-responses")];
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = stack.Broker.BootstrapServers }).Build();
        var correlationIds = new List<string>();
        await OrderAsync(stack, correlationIds);
        await WaitForAnswersAsync(stack, correlationIds);

        await admin.DeleteTopicsAsync(topics);
        await Eventually.Async(
            async () => await main.GetAsync("/ready") is { Status: HttpStatusCode.ServiceUnavailable },
            _within,
            () => "the orchestrator is ready without its topics");
        await OrderAsync(stack, correlationIds);

        // Longer than a producer holds records of an unknown topic back.
        await Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        await admin.CreateTopicsAsync(
            topics.Select(topic => new TopicSpecification { Name = topic, NumPartitions = OnexStack.Partitions }));

        await WaitForAnswersAsync(stack, correlationIds);
        stack.AssertOneResponseEach(correlationIds);
        Assert.All(correlationIds, id => Assert.Equal("success", stack.Responses.For(id)[0].Field("status")));
    }

    // Called once before the deletion and more often after it, so that the new offsets include those that the orchestrator has read.
    private static async Task OrderAsync(OnexStack stack, List<string> correlationIds)
    {
        for (var partition = 0; partition < OnexStack.Partitions; partition++)
        {
            correlationIds.Add(await stack.OrderAsync(Names.Next("recreated"), partition: partition));
        }
    }

    private static Task<TimeSpan> WaitForAnswersAsync(OnexStack stack, List<string> correlationIds) => Eventually.Async(
        () => correlationIds.TrueForAll(id => stack.Responses.For(id).Count > 0),
        _within,
        () => $"{correlationIds.Count(id => stack.Responses.For(id).Count > 0)} of {correlationIds.Count} were answered");
}
