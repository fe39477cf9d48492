using Onex.Contracts.Compiling;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Effects.Connections;
using Onex.Hosting.Plugins;
using Onex.Hosting.Settings;

namespace Onex.Runtime.Running;

/// <summary>The contents of the contracts directory: connections, remote operations, and compiled contracts.</summary>
internal sealed record LoadedContracts(
    Compilation Compilation, CompilerContext Context, ConnectionsResult Connections, IReadOnlyList<string> Problems)
{
    /// <summary>The hash of the files: see <see cref="ContractsSource.Hash"/>.</summary>
    public string FilesHash { get; init; } = "";

    /// <summary>The topics to which the contracts write.</summary>
    public EmittedTopics Emitted { get; } = new(Compilation.Plans);

    /// <summary>The operations that workers outside of Onex run.</summary>
    public RemoteOperations Remote { get; init; } = RemoteOperations.None;

    /// <summary>The topics that must exist for the contracts besides the runtime's own.</summary>
    public IReadOnlyList<string> Topics =>
        [.. Emitted.Names.Concat(RemoteTopics).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>The topics of commands to remote workers and of their cancellations, with the configured prefix.</summary>
    public IReadOnlyList<string> RemoteTopics { get; init; } = [];

    /// <summary>Whether there are errors, with which a role must not start.</summary>
    public bool HasErrors => Compilation.HasErrors || Connections.HasErrors || Remote.HasErrors || Problems.Count > 0;

    /// <summary>The diagnostics of files: connections and operations first, because contracts name them.</summary>
    public IEnumerable<Diagnostic> Diagnostics => [.. Connections.Diagnostics, .. Remote.Diagnostics, .. Compilation.Diagnostics];

    /// <summary>All errors as printed on stderr.</summary>
    public IEnumerable<string> ErrorLines =>
    [
        .. Diagnostics.Where(diagnostic => diagnostic.Severity == Severity.Error).Select(diagnostic => diagnostic.Render().TrimEnd('\n')),
        .. Problems,
    ];

    /// <summary>Reads and compiles everything. Problems of files are diagnostics, not exceptions.</summary>
    /// <param name="settings">The settings, for the directory and the enabled operations.</param>
    /// <param name="environment">The variables for addresses and secrets of connections.</param>
    /// <param name="resolveSecrets">Whether the secrets of connections are resolved, which only roles that open connections need.</param>
    /// <param name="plugins">The plug-ins, whose operations contracts may name.</param>
    /// <param name="examples">Runs the examples of contracts, or null.</param>
    /// <param name="strict">Whether to warn about what cannot be proved.</param>
    /// <param name="vault">The secrets of Vault; null if none is known.</param>
    public static LoadedContracts Load(
        RuntimeSettings settings, IReadOnlyDictionary<string, string> environment, bool resolveSecrets,
        PluginSet plugins, Func<Plan, IEnumerable<ExampleProblem>>? examples = null, bool strict = false, VaultSecrets? vault = null)
    {
        var connections = ReadConnections(settings, environment, resolveSecrets, vault);
        var catalogue = Catalogue.Create(settings, plugins);
        var remote = RemoteOperationsReader.Read(settings.ContractsDirectory, catalogue);
        var context = new CompilerContext(catalogue.With(remote.Operations), connections.Describe())
        {
            Examples = examples,
            IsStrict = strict,
            Limits = settings.Limits,
        };
        var compilation = ContractCompiler.CompileDirectory(settings.ContractsDirectory, context);
        return new LoadedContracts(
            compilation, context, connections,
            [
                .. new EmittedTopics(compilation.Plans).Problems(settings.Topics),
                .. RemoteRoutes.Problems(remote.Operations, settings.Topics),
                .. DirectContracts.Problems(settings.DirectOperations, context.Operations),
            ])
        {
            Remote = remote,
            RemoteTopics = RemoteRoutes.Topics(remote.Operations, settings.Topics),
        };
    }

    /// <summary>Reads only the connections.</summary>
    public static ConnectionsResult ReadConnections(
        RuntimeSettings settings, IReadOnlyDictionary<string, string> environment, bool resolveSecrets, VaultSecrets? vault = null) =>
        ConnectionsReader.Read(Path.Combine(settings.ContractsDirectory, "connections"), environment, resolveSecrets, vault);
}
