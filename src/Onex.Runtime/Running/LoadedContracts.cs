using Onex.Contracts;
using Onex.Contracts.Compiling;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Effects.Connections;
using Onex.Hosting.Settings;

namespace Onex.Runtime.Running;

/// <summary>What lies in the contracts directory: connections, and contracts compiled against them and the catalogue.</summary>
internal sealed record LoadedContracts(Compilation Compilation, CompilerContext Context, ConnectionsReading Connections, IReadOnlyList<string> Problems)
{
    /// <summary>Whether a role must not start with them.</summary>
    public bool HasErrors => Compilation.HasErrors || Connections.HasErrors || Problems.Count > 0;

    /// <summary>What is wrong with files: with connections first, for contracts name them.</summary>
    public IEnumerable<Diagnostic> Diagnostics => Connections.Diagnostics.Concat(Compilation.Diagnostics);

    /// <summary>All that is wrong, for stderr.</summary>
    public IEnumerable<string> Lines =>
    [
        .. Diagnostics.Where(diagnostic => diagnostic.Severity == Severity.Error).Select(diagnostic => diagnostic.Render().TrimEnd('\n')),
        .. Problems,
    ];

    /// <summary>Reads and compiles everything. Never throws for what the files hold.</summary>
    /// <param name="settings">Where they are, and which operations are enabled.</param>
    /// <param name="environment">Addresses and secrets of connections.</param>
    /// <param name="resolveSecrets">Whether the secrets of connections are needed: only by who opens them.</param>
    /// <param name="examples">Runs the examples of contracts, for who checks them; null to leave them unrun.</param>
    /// <param name="strict">Whether to warn of what cannot be proved, too.</param>
    public static LoadedContracts Load(
        RuntimeSettings settings, IReadOnlyDictionary<string, string> environment, bool resolveSecrets,
        Func<Plan, IEnumerable<ExampleProblem>>? examples = null, bool strict = false)
    {
        var connections = ReadConnections(settings, environment, resolveSecrets);
        var context = new CompilerContext(Catalogue.Of(settings), connections.Describe())
        {
            Examples = examples,
            IsStrict = strict,
            Limits = settings.Limits,
        };
        var compilation = ContractCompiler.CompileDirectory(settings.ContractsDirectory, context);
        return new LoadedContracts(
            compilation, context, connections, [.. Catalogue.Problems(settings), .. new EmittedTopics(compilation.Plans).Problems(settings.Topics)]);
    }

    /// <summary>Only the connections, for a role that runs no contracts.</summary>
    public static ConnectionsReading ReadConnections(RuntimeSettings settings, IReadOnlyDictionary<string, string> environment, bool resolveSecrets) =>
        ConnectionsReader.Read(Path.Combine(settings.ContractsDirectory, "connections"), environment, resolveSecrets);
}
