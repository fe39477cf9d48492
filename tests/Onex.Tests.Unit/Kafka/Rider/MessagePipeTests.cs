using System.Collections.Concurrent;
using MassTransit;
using MassTransit.Transports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onex.Kafka;
using Onex.Kafka.Rider;

namespace Onex.Tests.Unit.Kafka.Rider;

public sealed class MessagePipeTests : IAsyncLifetime
{
    private static readonly ConcurrentQueue<string> _errors = new();

    private readonly ServiceProvider _services = new ServiceCollection()
        .AddLogging(logging => logging.AddProvider(new ErrorLog()))
        .AddOnexKafka(new KafkaSettings { BootstrapServers = "127.0.0.1:1", ClientId = "onex-test" })
        .AddMassTransit(x =>
        {
            x.DisableUsageTelemetry();
            x.UsingInMemory();
            x.AddRider(rider => rider.UsingKafka((_, _) => { }));
        })
        .BuildServiceProvider(validateScopes: true);

    public async ValueTask InitializeAsync() => await _services.GetRequiredService<IBusControl>().StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _services.GetRequiredService<IBusControl>().StopAsync();
        await _services.DisposeAsync();
    }

    [Fact]
    public async Task A_state_machine_can_be_added_to_a_pipe_after_the_bus_started()
    {
        var repository = new Repository();
        var pipe = Pipes.Create("order", e => e.StateMachineSaga(new OrderMachine(), repository));
        var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        var trail = new Trail();

        await pipe.SendAsync(new Start(id), id, id, trail, CancellationToken.None);
        await pipe.SendAsync(new Finish(id, "paid"), id, null, trail, CancellationToken.None);

        Assert.Equal("Done", repository.Orders[id].State);
        Assert.Equal("paid", repository.Orders[id].Note);
        Assert.Equal(["load", "begun", "load", "done"], trail.Steps);
    }

    [Fact]
    public async Task An_event_that_the_state_does_not_handle_is_thrown_to_the_caller()
    {
        var repository = new Repository();
        var pipe = Pipes.Create("order", e => e.StateMachineSaga(new OrderMachine(), repository));
        var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        await pipe.SendAsync(new Start(id), id, id, new Trail(), CancellationToken.None);

        await Assert.ThrowsAsync<UnhandledEventException>(
            () => pipe.SendAsync(new Start(id), id, id, new Trail(), CancellationToken.None));

        Assert.Equal("Begun", repository.Orders[id].State);
    }

    [Fact]
    public async Task The_state_machine_handles_a_missing_instance()
    {
        var trail = new Trail();
        var pipe = Pipes.Create("order", e => e.StateMachineSaga(new OrderMachine(), new Repository()));

        await pipe.SendAsync(new Finish(Guid.Empty, ""), Guid.Empty, null, trail, CancellationToken.None);

        Assert.Equal(["load", "missing"], trail.Steps);
    }

    [Fact]
    public async Task An_exception_of_a_consumer_reaches_the_caller_and_is_not_logged()
    {
        var pipe = Pipes.Create("broken", e => e.Handler<Start>(_ => throw new TimeoutException("no answer")));

        var thrown = await Assert.ThrowsAsync<TimeoutException>(
            () => pipe.SendAsync(new Start(Guid.Empty), Guid.Empty, null, new Trail(), CancellationToken.None));

        Assert.Equal("no answer", thrown.Message);
        Assert.DoesNotContain(_errors, line => line.Contains("pipes/broken", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_message_without_a_consumer_is_an_error()
    {
        var pipe = Pipes.Create("deaf", e => e.Handler<Start>(_ => Task.CompletedTask));

        await Assert.ThrowsAnyAsync<Exception>(
            () => pipe.SendAsync(new Finish(Guid.Empty, ""), Guid.Empty, null, new Trail(), CancellationToken.None));
    }

    [Fact]
    public async Task A_cancellation_by_the_caller_reaches_the_consumer()
    {
        using var cancelled = new CancellationTokenSource();
        var seen = CancellationToken.None;
        var pipe = Pipes.Create("cancel", e => e.Handler<Start>(context =>
        {
            seen = context.CancellationToken;
            return Task.CompletedTask;
        }));

        await pipe.SendAsync(new Start(Guid.Empty), Guid.Empty, null, new Trail(), cancelled.Token);

        Assert.Equal(cancelled.Token, seen);
    }

    private PipeFactory Pipes => new(_services.GetRequiredService<IBusInstance>);

    private sealed class ErrorLog : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                _errors.Enqueue(formatter(state, exception));
            }
        }

        public void Dispose()
        {
        }
    }

    public sealed record Start(Guid OrderId);

    public sealed record Finish(Guid OrderId, string Note);

    private sealed class Trail
    {
        public List<string> Steps { get; } = [];

        public static void Add(PipeContext context, string step)
        {
            Assert.True(context.TryGetPayload<Trail>(out var trail));
            trail.Steps.Add(step);
        }
    }

    private sealed class Order : SagaStateMachineInstance
    {
        public Guid CorrelationId { get; set; }

        public string State { get; set; } = "";

        public string? Note { get; set; }
    }

    private sealed class OrderMachine : MassTransitStateMachine<Order>
    {
        public OrderMachine()
        {
            InstanceState(order => order.State);
            Event(() => Started, e => e.CorrelateById(context => context.Message.OrderId));
            Event(() => Finished, e =>
            {
                e.CorrelateById(context => context.Message.OrderId);
                e.OnMissingInstance(missing => missing.Execute(context => Trail.Add(context, "missing")));
            });
            Initially(When(Started).Then(context => Trail.Add(context, "begun")).TransitionTo(Begun));
            During(Begun, When(Finished)
                .Then(context => Trail.Add(context, "done"))
                .Then(context => context.Saga.Note = context.Message.Note)
                .TransitionTo(Done));
        }

        public State Begun { get; private set; } = null!;

        public State Done { get; private set; } = null!;

        public Event<Start> Started { get; private set; } = null!;

        public Event<Finish> Finished { get; private set; } = null!;
    }

    private sealed class Repository : ISagaRepository<Order>
    {
        public ConcurrentDictionary<Guid, Order> Orders { get; } = new();

        public async Task Send<T>(ConsumeContext<T> context, ISagaPolicy<Order, T> policy, IPipe<SagaConsumeContext<Order, T>> next)
            where T : class
        {
            Trail.Add(context, "load");
            if (Orders.TryGetValue(context.CorrelationId!.Value, out var order))
            {
                await policy.Existing(new MassTransit.Context.DefaultSagaConsumeContext<Order, T>(context, order), next);
            }
            else if (policy.PreInsertInstance(context, out var inserted))
            {
                await next.Send(new MassTransit.Context.DefaultSagaConsumeContext<Order, T>(context, inserted));
                Orders[inserted.CorrelationId] = inserted;
            }
            else
            {
                await policy.Missing(context, new MissingPipe<T>(this, next));
            }
        }

        public Task SendQuery<T>(
            ConsumeContext<T> context,
            ISagaQuery<Order> query,
            ISagaPolicy<Order, T> policy,
            IPipe<SagaConsumeContext<Order, T>> next)
            where T : class => throw new NotSupportedException();

        public void Probe(ProbeContext context)
        {
        }

        private sealed class MissingPipe<T>(Repository repository, IPipe<SagaConsumeContext<Order, T>> next)
            : IPipe<SagaConsumeContext<Order, T>>
            where T : class
        {
            public async Task Send(SagaConsumeContext<Order, T> context)
            {
                await next.Send(context);
                repository.Orders[context.Saga.CorrelationId] = context.Saga;
            }

            public void Probe(ProbeContext context)
            {
            }
        }
    }
}
