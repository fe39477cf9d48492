using System.Text.RegularExpressions;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;
using Onex.Operations;

namespace Onex.Contracts.Compiling;

/// <summary>Reads the files that declare remote operations.</summary>
public sealed partial class RemoteOperationsReader
{
    /// <summary>The maximum of nesting in a file: types are rarely nested more than a few levels deep.</summary>
    internal const int DepthMax = 16;

    /// <summary>The maximum length of a topic, such that the dead-letter topic of its cancellation topic has a valid name too.</summary>
    internal static readonly int TopicLengthMax = Limits.TopicLengthMax - Names.CancelSuffix.Length - Names.DeadLetterSuffix.Length;

    private readonly SyntaxReader _syntax;
    private readonly DataTypeReader _types;

    internal RemoteOperationsReader(SourceFile file) =>
        (_syntax, _types) = (new SyntaxReader(file, isRegistered: false), new DataTypeReader(file.Path, file, schemas: null));

    /// <summary>
    /// Reads <c>operations/*.yaml</c> below a contracts directory; the folder need not exist. Problems of files are diagnostics, not
    /// exceptions.
    /// </summary>
    /// <param name="directory">The contracts directory.</param>
    /// <param name="others">The operations that Onex itself and plug-ins run, whose prefixes the names must not have.</param>
    public static RemoteOperations Read(string directory, OperationCatalogue others)
    {
        var contracts = new ContractDirectory(directory);
        var (operations, diagnostics) = (new List<OperationDescriptor>(), new List<Diagnostic>());
        List<string> paths, ignored;
        try
        {
            (paths, ignored) = contracts.OperationFiles();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            var folder = new SourceFile(contracts.DisplayPath(ContractDirectory.OperationsFolder), "");
            folder.Report(ContractDiagnostics.Unreadable(SourceSpan.Start, folder.Path, exception.Message));
            return new RemoteOperations([], [.. folder.Diagnostics()]);
        }

        foreach (var path in ignored)
        {
            var file = new SourceFile(contracts.DisplayPath(path), "");
            file.Report(RemoteOperationDiagnostics.IgnoredFile(Path.GetFileName(path)));
            diagnostics.AddRange(file.Diagnostics());
        }

        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            var (text, unreadable) = contracts.Load(path);
            var file = new SourceFile(contracts.DisplayPath(path), text);
            if (unreadable is not null)
            {
                file.Report(unreadable);
            }
            else if (!IsEmpty(text))
            {
                operations.AddRange(new RemoteOperationsReader(file).Read(YamlReader.Read(file, DepthMax), others, places));
            }

            diagnostics.AddRange(file.Diagnostics());
        }

        return new RemoteOperations(operations, diagnostics);
    }

    /// <summary>The operations of a file that was accepted before, so names are not checked against other operations.</summary>
    internal IEnumerable<OperationDescriptor> Read(SyntaxNode? root) => Read(root, new OperationCatalogue([]), []);

    private List<OperationDescriptor> Read(SyntaxNode? root, OperationCatalogue others, Dictionary<string, string> places)
    {
        var operations = new List<OperationDescriptor>();
        if (_syntax.Map(root, "a file of operations") is not { } map)
        {
            return operations;
        }

        if (map.Has("contract") && !map.Has("operations"))
        {
            _syntax.Report(RemoteOperationDiagnostics.ContractHere(map.KeyAt("contract")));
            return operations;
        }

        _syntax.CheckKeys(map, RemoteOperationKeys.File);
        if (!map.Has("operations"))
        {
            _syntax.Report(ContractDiagnostics.MissingKey(
                map.At, "a file of operations", "operations", "Add 'operations:' with an operation below it."));
        }

        foreach (var (name, node) in _syntax.Map(map.Find("operations"), "'operations'")?.Entries ?? [])
        {
            CheckName(name, others, places);
            if (_syntax.Map(node, $"operation '{Spelling.Clip(name.Text)}'") is { } declared
                && !operations.Exists(other => other.Name == name.Text))
            {
                operations.Add(ReadOperation(name, declared));
            }
        }

        return operations;
    }

    private void CheckName(ScalarSyntax name, OperationCatalogue others, Dictionary<string, string> places)
    {
        if (name.Text.Length > Limits.NameLengthMax || !NamePattern().IsMatch(name.Text))
        {
            _syntax.Report(RemoteOperationDiagnostics.BadName(name.At, name.Text));
            return;
        }

        var prefix = name.Text.Split('.')[0];
        if (OperationAliases.IsPrefix(prefix, others))
        {
            _syntax.Report(RemoteOperationDiagnostics.PrefixTaken(name.At, name.Text, prefix));
        }
        else if (!places.TryAdd(name.Text, $"{_syntax.File.Path}:{name.At.Line}:{name.At.Column}"))
        {
            _syntax.Report(RemoteOperationDiagnostics.DeclaredTwice(name.At, name.Text, places[name.Text]));
        }
    }

    private OperationDescriptor ReadOperation(ScalarSyntax name, MapSyntax map)
    {
        _syntax.CheckKeys(map, RemoteOperationKeys.Operation);
        foreach (var missing in RemoteOperationKeys.Operation.All.Where(key => key.Required && !map.Has(key.Name)))
        {
            _syntax.Report(ContractDiagnostics.MissingKey(
                name.At, $"operation '{Spelling.Clip(name.Text)}'", missing.Name,
                missing.Name == "topic" ? "Add 'topic: some-commands', the topic that your workers read."
                    : "Add 'changes_world: false' if it only computes or reads, and 'changes_world: true' otherwise."));
        }

        var changesWorld = ReadBool(map, "changes_world");
        var arguments = ReadTypes(map, "arguments", "an argument");
        return new OperationDescriptor(
            name.Text,
            changesWorld ? OperationRole.Effect : OperationRole.Compute,
            ConnectionType: null,
            changesWorld,
            [
                .. arguments.Select(argument => new ArgumentDescriptor(
                    argument.Key, argument.Value is not DataType.Optional, argument.Value.ToString(), ArgumentFilling.Value,
                    $"An argument of {name.Text}: {argument.Value}.")),
            ],
            AnyArguments: false,
            ReadTypes(map, "result", "a field of the result").ToDictionary(
                field => field.Key, field => field.Value.ToString(), StringComparer.Ordinal),
            _syntax.Text(map.Find("description"), "'description'")?.Text ?? "A remote operation.")
        {
            Idempotent = ReadBool(map, "idempotent"),
            Remote = new RemoteOperation(ReadTopic(map), _syntax.Duration(map.Find("timeout")) ?? CallStep.DefaultTimeout),
        };
    }

    private bool ReadBool(MapSyntax map, string key)
    {
        var node = map.Find(key);
        if (node is not (null or ScalarSyntax { Bool: not null }))
        {
            _syntax.Report(ContractDiagnostics.WrongType(node.At, $"'{key}'", "true or false", node.Kind));
        }

        return node is ScalarSyntax { Bool: true };
    }

    private string ReadTopic(MapSyntax map)
    {
        if (_syntax.Name(map.Find("topic"), "'topic'") is not { } topic)
        {
            return "";
        }

        if (!Names.IsTopic(topic.Text) || topic.Text.Length > TopicLengthMax
            || topic.Text.EndsWith(Names.CancelSuffix, StringComparison.Ordinal)
            || topic.Text.EndsWith(Names.DeadLetterSuffix, StringComparison.Ordinal))
        {
            _syntax.Report(RemoteOperationDiagnostics.BadTopic(topic.At, topic.Text));
        }
        else if (Names.IsOwnTopic(topic.Text))
        {
            _syntax.Report(RemoteOperationDiagnostics.OwnTopic(topic.At, topic.Text));
        }

        return topic.Text;
    }

    // The text of a type is stored with contracts, so it must be readable as a type again.
    private List<KeyValuePair<string, DataType>> ReadTypes(MapSyntax map, string key, string what)
    {
        var types = new List<KeyValuePair<string, DataType>>();
        foreach (var (name, node) in _syntax.Map(map.Find(key), $"'{key}'")?.Entries ?? [])
        {
            if (!Names.IsIdentifier(name.Text))
            {
                _syntax.Report(ContractDiagnostics.BadName(name.At, what, name.Text, allowsDashes: false));
                continue;
            }

            var type = _types.Read(node);
            if (!DataTypeReader.TryParse(type.ToString(), out var reparsed, out var problem))
            {
                _syntax.Report(ContractDiagnostics.BadDataType(node.At, type.ToString(), problem));
            }

            types.Add(KeyValuePair.Create(name.Text, reparsed));
        }

        return types;
    }

    // A file of comments declares nothing, and is not an error.
    private static bool IsEmpty(string text) => text.Split('\n').All(line => line.Trim() is "" or ['#', ..]);

    [GeneratedRegex(@"^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex NamePattern();
}
