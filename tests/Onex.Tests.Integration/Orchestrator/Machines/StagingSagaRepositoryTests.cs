using MassTransit;
using MassTransit.Saga;
using MassTransit.Testing;
using Microsoft.Extensions.DependencyInjection;
using Onex.Orchestrator.Machines;

namespace Onex.Tests.Integration.Orchestrator.Machines;

/// <summary>A real state machine of MassTransit on top of staged sagas.</summary>
public sealed class StagingSagaRepositoryTests
{
    [Fact]
    public async Task A_starting_message_stages_a_new_instance()
    {
        var staging = new SagaStaging<Door>(Rows.Id(), null);

        await SendAsync(staging, new Knock(staging.SagaId));

        Assert.True(staging is { IsNew: true, Changed: true });
        Assert.Equal((staging.SagaId, "Waiting"), (staging.Instance!.CorrelationId, staging.Instance.State));
    }

    [Fact]
    public async Task A_later_message_changes_the_loaded_instance()
    {
        var door = new Door { CorrelationId = Rows.Id(), State = "Waiting" };
        var staging = new SagaStaging<Door>(door.CorrelationId, door);

        await SendAsync(staging, new Answer(door.CorrelationId));

        Assert.True(staging is { IsNew: false, Changed: true });
        Assert.Same(door, staging.Instance);
        Assert.Equal("Open", door.State);
    }

    [Fact]
    public async Task A_later_message_without_an_instance_stages_nothing()
    {
        var staging = new SagaStaging<Door>(Rows.Id(), null);

        await SendAsync(staging, new Answer(staging.SagaId));

        Assert.True(staging is { Instance: null, IsNew: false, Changed: false });
    }

    [Fact]
    public async Task The_machine_rejects_a_message_in_the_wrong_state()
    {
        var door = new Door { CorrelationId = Rows.Id(), State = "Open" };
        var staging = new SagaStaging<Door>(door.CorrelationId, door);

        var rejection = await Assert.ThrowsAnyAsync<Exception>(() => SendAsync(staging, new Answer(door.CorrelationId)));

        Assert.IsType<UnhandledEventException>(rejection is SagaException { InnerException: { } inner } ? inner : rejection);
        Assert.False(staging.Changed);
    }

    // The pipe of the machine with a staged saga as payload, as in the router; the harness only creates a consume context.
    private static async Task SendAsync<T>(SagaStaging<Door> staging, T message)
        where T : class
    {
        Exception? failure = null;
        var handled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var provider = new ServiceCollection()
            .AddMassTransitTestHarness(TextWriter.Null, bus =>
            {
                bus.DisableUsageTelemetry();
                bus.UsingInMemory((_, configure) => configure.ReceiveEndpoint("door", endpoint =>
                {
                    endpoint.UseExecuteAsync(context =>
                    {
                        context.GetOrAddPayload(() => staging);
                        return Task.CompletedTask;
                    });
                    endpoint.StateMachineSaga(
                        new DoorMachine(), new SagaRepository<Door>(new StagingSagaRepositoryContextFactory<Door>()));
                }));
            })
            .BuildServiceProvider(validateScopes: true);
        var harness = provider.GetRequiredService<ITestHarness>();
        await harness.Start();
        harness.Bus.ConnectReceiveObserver(new Watch(handled, error => failure = error));
        var endpoint = await harness.Bus.GetSendEndpoint(new Uri("queue:door"));
        await endpoint.Send(message);
        await handled.Task.WaitAsync(TimeSpan.FromMinutes(1), TimeProvider.System);
        if (failure is not null)
        {
            throw failure;
        }
    }

    private sealed class Watch(TaskCompletionSource handled, Action<Exception> failed) : IReceiveObserver
    {
        public Task PreReceive(ReceiveContext context) => Task.CompletedTask;

        public Task PostReceive(ReceiveContext context)
        {
            handled.TrySetResult();
            return Task.CompletedTask;
        }

        public Task PostConsume<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType)
            where T : class => Task.CompletedTask;

        public Task ConsumeFault<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType, Exception exception)
            where T : class
        {
            failed(exception);
            handled.TrySetResult();
            return Task.CompletedTask;
        }

        public Task ReceiveFault(ReceiveContext context, Exception exception)
        {
            failed(exception);
            handled.TrySetResult();
            return Task.CompletedTask;
        }
    }

    public sealed record Knock(Guid CorrelationId) : CorrelatedBy<Guid>;

    public sealed record Answer(Guid CorrelationId) : CorrelatedBy<Guid>;

    public sealed class Door : SagaStateMachineInstance
    {
        public Guid CorrelationId { get; set; }

        public string State { get; set; } = "";
    }

    public sealed class DoorMachine : MassTransitStateMachine<Door>
    {
        public DoorMachine()
        {
            InstanceState(door => door.State);
            Initially(When(Knocked).TransitionTo(Waiting));
            During(Waiting, When(Answered).TransitionTo(Open));
        }

        public State Waiting { get; private set; } = null!;

        public State Open { get; private set; } = null!;

        public Event<Knock> Knocked { get; private set; } = null!;

        public Event<Answer> Answered { get; private set; } = null!;
    }
}
