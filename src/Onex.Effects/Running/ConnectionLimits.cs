using System.Globalization;
using System.Threading.RateLimiting;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Effects.Connections;
using Onex.Effects.Operations;
using Onex.Hosting.Health;
using Polly;
using Polly.CircuitBreaker;

namespace Onex.Effects.Running;

/// <summary>Enforces the limits of connections within this process.</summary>
internal sealed class ConnectionLimits : IDisposable
{
    private static readonly ResiliencePropertyKey<bool> _untried = new("untried");

    private readonly PerConnection<Limits> _limits;
    private readonly Limits _open = new(
        new SemaphoreSlim(ConnectionTypes.ConcurrencyOf(ConnectionTypes.Http)), null, null, null);

    private readonly RoleHealth _health;
    private readonly TimeProvider _time;

    public ConnectionLimits(ConnectionTable connections, RoleHealth health, TimeProvider time)
    {
        (_health, _time) = (health, time);
        _limits = new PerConnection<Limits>(connections, Create, limits => limits.Dispose());
    }

    /// <summary>
    /// Waits until an attempt may begin. Dispose of the permit when it has ended. The wait precedes the lease, so it does not count against
    /// the attempt's timeout.
    /// </summary>
    public async Task<Permit> EnterAsync(Connection? connection, CancellationToken cancellation)
    {
        var limits = connection is null ? _open : _limits.For(connection);
        await limits.Concurrency.WaitAsync(cancellation);
        try
        {
            if (limits.Rate is not null)
            {
                using var lease = await limits.Rate.AcquireAsync(1, cancellation);
            }

            return new Permit(limits);
        }
        catch
        {
            limits.Concurrency.Release();
            throw;
        }
    }

    public void Dispose()
    {
        _limits.Dispose();
        _open.Dispose();
    }

    private Limits Create(Connection connection) => new(
        new SemaphoreSlim(connection.Concurrency),
        connection.RateLimit is { } rate
            ? new SlidingWindowRateLimiter(new SlidingWindowRateLimiterOptions
            {
                PermitLimit = rate.Permits,
                Window = rate.Window,
                SegmentsPerWindow = 10,
                QueueLimit = int.MaxValue,
            })
            : null,
        connection.Breaker is { } breaker ? Breaker(connection.Name, breaker) : null,
        connection.Breaker?.Pause);

    private ResiliencePipeline<AttemptOutcome> Breaker(string name, BreakerSettings settings)
    {
        var circuit = new CircuitBreakerStateProvider();
        return new ResiliencePipelineBuilder<AttemptOutcome> { TimeProvider = _time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<AttemptOutcome>
            {
                FailureRatio = settings.Ratio,
                MinimumThroughput = settings.Calls,
                SamplingDuration = settings.Within,
                StateProvider = circuit,
                BreakDuration = settings.Pause,
                ShouldHandle = arguments =>
                {
                    // Polly counts anything but a failure as a success, and a successful trial closes the breaker. A trial that did not
                    // reach the connection reopens it without delay, so that the next attempt is the trial.
                    var untried = arguments.Outcome is { Exception: not null } or { Result.IsUntried: true }
                        && circuit.CircuitState != CircuitState.Closed;
                    if (untried)
                    {
                        arguments.Context.Properties.Set(_untried, true);
                    }

                    return ValueTask.FromResult(untried || arguments.Outcome.Result is { Outcome: StepOutcomes.Failed });
                },
                BreakDurationGenerator = arguments => ValueTask.FromResult(
                    arguments.Context.Properties.TryGetValue(_untried, out _) ? TimeSpan.Zero : settings.Pause),
                OnOpened = arguments =>
                {
                    if (arguments.BreakDuration == TimeSpan.Zero)
                    {
                        return default;
                    }

                    _health.Report(name, string.Create(
                        CultureInfo.InvariantCulture,
                        $"breaker open for {arguments.BreakDuration.TotalSeconds:0.#} s: {arguments.Outcome.Result?.Message}"));
                    return default;
                },
                OnClosed = _ =>
                {
                    _health.Report(name, null);
                    return default;
                },
            })
            .Build();
    }

    internal sealed record Limits(
        SemaphoreSlim Concurrency, RateLimiter? Rate, ResiliencePipeline<AttemptOutcome>? Breaker, TimeSpan? Pause) : IDisposable
    {
        public void Dispose()
        {
            Concurrency.Dispose();
            Rate?.Dispose();
        }
    }

    /// <summary>Permission to run one attempt.</summary>
    internal sealed class Permit(Limits limits) : IDisposable
    {
        /// <summary>Runs the attempt, unless the breaker is open.</summary>
        public async Task<AttemptOutcome> RunAsync(Func<CancellationToken, Task<AttemptOutcome>> attempt, CancellationToken cancellation)
        {
            if (limits.Breaker is not { } breaker)
            {
                return await attempt(cancellation);
            }

            try
            {
                return await breaker.ExecuteAsync(
                    static async (run, token) => await run(token), attempt, cancellation);
            }
            catch (BrokenCircuitException exception)
            {
                // If a trial takes longer than the pause, Polly reports a time in the past.
                var wait = exception.RetryAfter is { } left && left > TimeSpan.Zero ? left : limits.Pause;
                return AttemptOutcome.Failed(
                    AttemptReach.NotSent, "breaker_open", "Too many attempts failed on this connection; its circuit breaker is open.",
                    wait);
            }
        }

        public void Dispose() => limits.Concurrency.Release();
    }
}
