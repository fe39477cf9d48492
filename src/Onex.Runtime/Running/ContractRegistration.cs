using Microsoft.Extensions.DependencyInjection;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Kafka;
using Onex.Orchestrator;
using Onex.Persistence;

namespace Onex.Runtime.Running;

/// <summary>
/// Puts main's contracts to use, at the start and after each change: registers them, and rejects one whose version is registered with other
/// content.
/// </summary>
internal sealed class ContractRegistration(
    IServiceProvider services, RuntimeSettings settings, LoadedContracts started) : IRoleBootstrap
{
    public string Name => "The contracts";

    public async Task StartAsync(CancellationToken cancellation)
    {
        if (await RegisterAsync(started, cancellation) is { Count: > 0 } problems)
        {
            throw new ConfigurationException(problems);
        }
    }

    /// <summary>
    /// Starts new sagas with changed contracts. Returns the problems, after which those in use stay. Throws
    /// <see cref="NotReachableException"/> if store or broker cannot be reached.
    /// </summary>
    public async Task<IReadOnlyList<string>> UseAsync(LoadedContracts loaded, CancellationToken cancellation)
    {
        if (settings.EventBus == EventBus.InMemory)
        {
            services.AddMemoryTopics(loaded.Topics);
        }
        else
        {
            await services.GetRequiredService<TopicSetup>().EnsureAsync(loaded.Topics, cancellation);
        }

        return await RegisterAsync(loaded, cancellation);
    }

    private async Task<IReadOnlyList<string>> RegisterAsync(LoadedContracts loaded, CancellationToken cancellation)
    {
        try
        {
            return await OrchestratorRole.RegisterContractsAsync(
                services, settings, loaded.Compilation.Plans, loaded.Context, cancellation);
        }
        catch (StoreUnavailableException unavailable)
        {
            throw new NotReachableException(unavailable.Message, unavailable);
        }
    }
}
