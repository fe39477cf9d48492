using Microsoft.Extensions.Logging;
using Onex.Contracts.Compiling;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Persistence.Registry;

namespace Onex.Orchestrator.Machines;

/// <summary>Logs how many live sagas need contracts or connections that this orchestrator has not loaded.</summary>
internal sealed partial class ContractsNotLoaded(IContractRegistry registry, ILogger<ContractsNotLoaded> logger)
{
    public async Task ReportAsync(IReadOnlyList<Plan> loaded, CompilerContext compiler, CancellationToken cancellation)
    {
        var hashes = loaded.Select(plan => plan.Hash).ToHashSet(StringComparer.Ordinal);
        foreach (var used in await registry.InUseAsync(hashes, cancellation))
        {
            if (await RegisteredPlans.FindAsync(registry, used.Hash, compiler, cancellation) is not { } plan)
            {
                DoesNotCompile(used.Sagas, used.Name, used.Version, used.Hash, ErrorCodes.PlanMissing);
                continue;
            }

            if (!hashes.Contains(plan.Hash))
            {
                if (loaded.Any(other => other.Name == used.Name))
                {
                    OtherVersion(used.Sagas, used.Name, used.Version);
                }
                else
                {
                    NotLoaded(used.Sagas, used.Name, used.Version);
                }
            }

            var connections = ConnectionsOf(plan).Where(name => compiler.Connections?.ContainsKey(name) == false)
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal).ToList();
            if (connections.Count > 0)
            {
                NoConnection(used.Sagas, used.Name, used.Version, string.Join(", ", connections));
            }
        }
    }

    private static IEnumerable<string> ConnectionsOf(Plan plan) => plan.States
        .SelectMany(state => state.Calls)
        .SelectMany(call => (string?[])[call.Invocation.Connection, call.Compensation?.Invocation.Connection])
        .OfType<string>();

    /// <summary>Put the contract back into the contracts directory if new sagas of it must start.</summary>
    [LoggerMessage(
        1101, LogLevel.Warning,
        "Contract {Contract} {ContractVersion} has live sagas ({Sagas}), but no version of it is loaded. They continue with the registered "
        + "content and accept events; new ones cannot start")]
    private partial void NotLoaded(long sagas, string contract, string contractVersion);

    /// <summary>Sagas keep the content that they started with, so there is nothing to do.</summary>
    [LoggerMessage(
        1102, LogLevel.Information,
        "Contract {Contract} {ContractVersion} has live sagas ({Sagas}) and is not loaded. They continue with the registered content")]
    private partial void OtherVersion(long sagas, string contract, string contractVersion);

    /// <summary>Put that version of the contract back into the contracts directory.</summary>
    [LoggerMessage(
        1103, LogLevel.Error,
        "Contract {Contract} {ContractVersion} ({Hash}) has live sagas ({Sagas}), but is not loaded, and its registered content does not "
        + "compile. They wait until it is loaded ({Code})")]
    private partial void DoesNotCompile(long sagas, string contract, string contractVersion, string hash, string code);

    /// <summary>Define the connections again until these sagas have ended.</summary>
    [LoggerMessage(
        1104, LogLevel.Warning,
        "Contract {Contract} {ContractVersion} has live sagas ({Sagas}) and connections that are not loaded: {Connections}. Steps that use "
        + "them fail until they are loaded")]
    private partial void NoConnection(long sagas, string contract, string contractVersion, string connections);
}
