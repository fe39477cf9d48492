using Microsoft.Extensions.DependencyInjection;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Kafka;
using Onex.Orchestrator;
using Onex.Persistence;

namespace Onex.Runtime.Running;

/// <summary>
/// Registers the orchestrator's contracts, at the start and after each change, so that new sagas start with them. Rejects a contract whose
/// version is registered with other content, unless contracts are mutable (<c>ONEX_CONTRACTS_MUTABLE</c>).
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
    /// Lets new sagas start with changed contracts. If it returns problems, the contracts in use stay in use. Throws
    /// <see cref="NotReachableException"/> without store or broker.
    /// </summary>
    public async Task<IReadOnlyList<string>> UseAsync(LoadedContracts loaded, CancellationToken cancellation)
    {
        if (settings.EventBus == EventBus.InMemory)
        {
            services.AddMemoryTopics(loaded.Topics);
        }
        else
        {
            try
            {
                await services.GetRequiredService<TopicSetup>().EnsureAsync(loaded.Topics, cancellation);
            }
            catch (ConfigurationException rejected)
            {
                return
                [
                    $"{rejected.Message} Correct the topic in the contract, or remove the cause on the broker and send SIGHUP.",
                ];
            }
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
        catch (StoreUnavailableException error)
        {
            throw new NotReachableException(error.Message, error);
        }
    }
}
