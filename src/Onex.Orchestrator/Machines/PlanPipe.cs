using MassTransit;
using MassTransit.Saga;
using Onex.Contracts.Plans;
using Onex.Engine;
using Onex.Kafka.Rider;

namespace Onex.Orchestrator.Machines;

/// <summary>A plan's state machine behind a receive pipe. Its repository only stages the saga; the router commits it.</summary>
internal sealed class PlanPipe
{
    private readonly IMessagePipe _pipe;

    public PlanPipe(Plan plan, IPipeFactory pipes)
    {
        Plan = plan;
        Machine = new ContractMachine(plan);
        var repository = new SagaRepository<SagaInstance>(new StagingSagaRepositoryContextFactory<SagaInstance>());
        _pipe = pipes.Create(
            $"saga-{plan.Name}-{plan.Hash[..12]}", endpoint => endpoint.StateMachineSaga(Machine, repository));
    }

    public Plan Plan { get; }

    public ContractMachine Machine { get; }

    /// <summary>The decision on a message for a saga (null for a start); null if the saga's state does not accept the message.</summary>
    public async Task<Decision?> DecideAsync(SagaState? saga, SagaEvent message, DateTimeOffset now, CancellationToken cancellation)
    {
        var instance = saga is null
            ? null
            : new SagaInstance { CorrelationId = message.SagaId.Value, CurrentState = saga.State, Saga = saga, Now = now };
        var staging = new SagaStaging<SagaInstance>(message.SagaId.Value, instance);
        await (message switch
        {
            SagaStarted started => SendAsync(started, staging, cancellation),
            StepResultArrived result => SendAsync(result, staging, cancellation),
            StepReportArrived report => SendAsync(report, staging, cancellation),
            TimerFired timer => SendAsync(timer, staging, cancellation),
            RequestJoined joined => SendAsync(joined, staging, cancellation),
            ExternalEvent external => SendAsync(external, staging, cancellation),
            OperatorRequested asked => SendAsync(asked, staging, cancellation),
            ResendRequested resend => SendAsync(resend, staging, cancellation),
            _ => throw new InvalidOperationException($"No state machine accepts {message.GetType().Name}."),
        });
        return staging.Instance?.Decision;
    }

    private Task SendAsync<TMessage>(TMessage message, SagaStaging<SagaInstance> staging, CancellationToken cancellation)
        where TMessage : SagaEvent =>
        _pipe.SendAsync(message, message.CausedBy.Value, message.SagaId.Value, staging, cancellation);
}
