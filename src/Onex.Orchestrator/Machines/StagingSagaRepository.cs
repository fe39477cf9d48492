using MassTransit;
using MassTransit.Context;
using MassTransit.Saga;

namespace Onex.Orchestrator.Machines;

/// <summary>
/// The saga that a state machine works on. The router loads the row, adds this to the message as a payload, and commits after the batch.
/// </summary>
/// <param name="sagaId">The saga that the message is for.</param>
/// <param name="instance">The saga as loaded, or null if there is none.</param>
public sealed class SagaStaging<TSaga>(Guid sagaId, TSaga? instance)
    where TSaga : class, SagaStateMachineInstance
{
    /// <summary>The saga that the message is for.</summary>
    public Guid SagaId { get; } = sagaId;

    /// <summary>The saga as loaded, created or changed; null if there is none.</summary>
    public TSaga? Instance { get; set; } = instance;

    /// <summary>Whether the machine created the instance, so that there is no row.</summary>
    public bool IsNew { get; set; }

    /// <summary>Whether the machine wants to save the instance.</summary>
    public bool Changed { get; set; }
}

/// <summary>
/// MassTransit's saga repository on top of the batch interface; it uses no database. Use it as
/// <c>new SagaRepository&lt;TSaga&gt;(factory)</c>; it has no state, so all machines of an instance type can share it.
/// </summary>
public sealed class StagingSagaRepositoryContextFactory<TSaga> : ISagaRepositoryContextFactory<TSaga>
    where TSaga : class, SagaStateMachineInstance
{
    /// <inheritdoc />
    public Task Send<T>(ConsumeContext<T> context, IPipe<SagaRepositoryContext<TSaga, T>> next)
        where T : class
    {
        if (!context.TryGetPayload<SagaStaging<TSaga>>(out var staging))
        {
            throw new InvalidOperationException(
                $"A message of {typeof(T).Name} reached the machine without its saga: only the router may send it.");
        }

        return next.Send(new StagingContext<TSaga, T>(context, staging));
    }

    /// <inheritdoc />
    public Task SendQuery<T>(ConsumeContext<T> context, ISagaQuery<TSaga> query, IPipe<SagaRepositoryQueryContext<TSaga, T>> next)
        where T : class =>
        throw new NotSupportedException("The router finds the saga of a message; machines correlate by id only.");

    /// <inheritdoc />
    public void Probe(ProbeContext context) => context.Add("persistence", "staged");
}

internal sealed class StagingContext<TSaga, TMessage>(ConsumeContext<TMessage> context, SagaStaging<TSaga> staging)
    : ConsumeContextScope<TMessage>(context), SagaRepositoryContext<TSaga, TMessage>
    where TSaga : class, SagaStateMachineInstance
    where TMessage : class
{
    private readonly ConsumeContext<TMessage> _context = context;

    public Task<SagaConsumeContext<TSaga, TMessage>> Add(TSaga instance) => Make(instance);

    public Task<SagaConsumeContext<TSaga, TMessage>> Insert(TSaga instance) =>
        staging.Instance is null ? Make(instance) : Task.FromResult<SagaConsumeContext<TSaga, TMessage>>(null!);

    public Task<SagaConsumeContext<TSaga, TMessage>> Load(Guid correlationId) => Task.FromResult<SagaConsumeContext<TSaga, TMessage>>(
        staging.Instance is { } instance && correlationId == staging.SagaId
            ? new DefaultSagaConsumeContext<TSaga, TMessage>(_context, instance)
            : null!);

    public Task Save(SagaConsumeContext<TSaga> context) => Keep();

    public Task Update(SagaConsumeContext<TSaga> context) => Keep();

    // Rows of ended sagas stay until retention removes them, so the end is a change like any other.
    public Task Delete(SagaConsumeContext<TSaga> context) => Keep();

    public Task Discard(SagaConsumeContext<TSaga> context)
    {
        if (staging.IsNew)
        {
            staging.Instance = null;
            staging.IsNew = false;
        }

        return Undo(context);
    }

    public Task Undo(SagaConsumeContext<TSaga> context)
    {
        staging.Changed = false;
        return Task.CompletedTask;
    }

    public Task<SagaConsumeContext<TSaga, T>> CreateSagaConsumeContext<T>(
        ConsumeContext<T> consumeContext, TSaga instance, SagaConsumeContextMode mode)
        where T : class =>
        Task.FromResult<SagaConsumeContext<TSaga, T>>(new DefaultSagaConsumeContext<TSaga, T>(consumeContext, instance));

    private Task<SagaConsumeContext<TSaga, TMessage>> Make(TSaga instance)
    {
        staging.Instance = instance;
        staging.IsNew = true;
        return Task.FromResult<SagaConsumeContext<TSaga, TMessage>>(new DefaultSagaConsumeContext<TSaga, TMessage>(_context, instance));
    }

    private Task Keep()
    {
        staging.Changed = true;
        return Task.CompletedTask;
    }
}
