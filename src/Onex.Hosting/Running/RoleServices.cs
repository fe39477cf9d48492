using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Onex.Hosting.Health;

namespace Onex.Hosting.Running;

/// <summary>
/// Starts a role's hosted services (MassTransit's bus, sweeps, renewals) after its bootstrap, and stops them before HTTP closes. The
/// framework would start them before HTTP listens and stop them after it has closed.
/// </summary>
internal sealed class RoleServices(
    IServiceProvider services, RoleHealth health, TimeProvider time, ILogger<RoleServices> logger)
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(5);

    private readonly List<IHostedService> _started = [];
    private readonly TaskCompletionSource _faulted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A hosted service that starts after the bootstrap.</summary>
    internal sealed record Deferred(IHostedService Service);

    /// <summary>Fails with the exception of the first background service that fails.</summary>
    public Task Faulted => _faulted.Task;

    /// <summary>Defers the start of all hosted services except those in <paramref name="excluded"/>, which the framework starts.</summary>
    public static void Defer(IServiceCollection services, IReadOnlySet<ServiceDescriptor> excluded)
    {
        for (var i = 0; i < services.Count; i++)
        {
            var descriptor = services[i];
            if (descriptor.ServiceType == typeof(IHostedService) && !descriptor.IsKeyedService && !excluded.Contains(descriptor))
            {
                services[i] = ServiceDescriptor.Singleton(provider => new Deferred(Create(provider, descriptor)));
            }
        }
    }

    public async Task StartAsync(CancellationToken cancellation)
    {
        foreach (var bootstrap in services.GetServices<IRoleBootstrap>())
        {
            await RunAsync(bootstrap, cancellation);
        }

        // Created after the bootstrap, because their constructors may need its results.
        foreach (var service in services.GetServices<Deferred>().Select(deferred => deferred.Service))
        {
            cancellation.ThrowIfCancellationRequested();
            _started.Add(service);
            await service.StartAsync(cancellation);
            if (service is BackgroundService { ExecuteTask: { } running })
            {
                _ = WatchAsync(running, cancellation);
            }
        }

        health.MarkInitialized();
        Log.Started(logger);
    }

    /// <summary>Stops the services in reverse order. If one fails to stop, the others are stopped nevertheless.</summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        foreach (var service in Enumerable.Reverse(_started))
        {
            try
            {
                await service.StopAsync(cancellation).WaitAsync(cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                Log.StoppedTooLate(logger, service.GetType().Name);
            }
            catch (Exception failure)
            {
                Log.StopFailed(logger, service.GetType().Name, failure);
            }
        }
    }

    // Waits without a limit for an external system that is unavailable. Logs when the wait begins and when it ends.
    private async Task RunAsync(IRoleBootstrap bootstrap, CancellationToken cancellation)
    {
        string? waitReason = null;
        for (var pause = _firstPause; ; pause = pause * 2 < _longestPause ? pause * 2 : _longestPause)
        {
            try
            {
                await bootstrap.StartAsync(cancellation);
                if (waitReason is not null)
                {
                    health.WaitsFor = null;
                    Log.BootstrapReached(logger, bootstrap.Name);
                }

                return;
            }
            catch (NotReachableException unavailable)
            {
                if (waitReason is null)
                {
                    Log.BootstrapWaits(logger, bootstrap.Name, unavailable.Message);
                }

                waitReason = unavailable.Message;
                health.WaitsFor = $"{char.ToLowerInvariant(bootstrap.Name[0])}{bootstrap.Name[1..]}: {unavailable.Message}";
            }

            await Task.Delay(pause, time, cancellation);
        }
    }

    private async Task WatchAsync(Task running, CancellationToken stopping)
    {
        try
        {
            await running;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
        catch (Exception failure)
        {
            _faulted.TrySetException(failure);
        }
    }

    private static IHostedService Create(IServiceProvider provider, ServiceDescriptor descriptor) => (IHostedService)(
        descriptor.ImplementationInstance
        ?? descriptor.ImplementationFactory?.Invoke(provider)
        ?? ActivatorUtilities.CreateInstance(provider, descriptor.ImplementationType!));
}
