using Onex.Contracts.Compiling;
using Onex.Contracts.Plans;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Orchestrator;
using Onex.Persistence;

namespace Onex.Runtime.Running;

/// <summary>Registers main's contracts, and rejects one whose version is registered with other content.</summary>
internal sealed class ContractRegistration(
    IServiceProvider services, RuntimeSettings settings, IReadOnlyList<Plan> plans, CompilerContext compiler) : IRoleBootstrap
{
    public string Name => "The contracts";

    public async Task StartAsync(CancellationToken cancellation)
    {
        IReadOnlyList<string> problems;
        try
        {
            problems = await OrchestratorRole.RegisterContractsAsync(services, settings, plans, compiler, cancellation);
        }
        catch (StoreUnavailableException away)
        {
            throw new NotReachableException(away.Message, away);
        }

        if (problems.Count > 0)
        {
            throw new ConfigurationException(problems);
        }
    }
}
