using System.Collections.Frozen;
using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

internal sealed class ContractReader
{
    private static readonly string[] _required = ["contract", "version", "input", "initial", "states"];
    private static readonly string[] _impliedFailedEnds = ["failed", "compensation_done"];

    private readonly ContractScope _scope;
    private readonly References _references;
    private readonly string _path;
    private readonly MapSyntax _root;
    private readonly ExpressionReader _expressions;
    private readonly RetryReader _retries;
    private readonly EventReader _events;
    private readonly ScheduleReader _schedule;
    private readonly StateReader _states;
    private readonly string? _name;
    private readonly string? _version;
    private readonly JsonSchema? _input;
    private readonly JsonSchema? _output;

    private ContractReader(string path, SourceFile file, MapSyntax root, References references, CompilerContext context)
    {
        var schemas = new SchemaReader(references, context.IsRegistered);
        _path = path;
        _root = root;
        _references = references;
        _scope = new ContractScope(file, context, schemas, new DataTypeReader(path, file, schemas));
        _expressions = new ExpressionReader(_scope);
        _retries = new RetryReader(_scope);
        var templates = new TemplateReader(_scope, _expressions);
        var steps = new StepReader(_scope, _expressions, templates, _retries);
        _events = new EventReader(_scope, _expressions, steps);
        _schedule = new ScheduleReader(_scope, templates);
        _states = new StateReader(_scope, _expressions, templates, steps, _events);
        (_name, _version) = (ReadName(), ReadVersion());
        (_scope.Declared.Input, _scope.Declared.Output) = (_input, _output) = (ReadSchema("input"), ReadSchema("output"));
        Head = CreateHead();
    }

    /// <summary>The head that calls of this contract are checked against; null without a name and a valid version.</summary>
    public ContractHead? Head { get; }

    /// <summary>Whether it calls or starts another contract, so the heads of all contracts must be known before it is read.</summary>
    public bool CallsContracts =>
        ContractHead.AnyStep(States(), step => step.Has("saga") || (step.Find("compensate") as MapSyntax)?.Has("saga") == true);

    /// <summary>Creates a reader and reads the head; null after reporting that the file is no YAML or holds no contract.</summary>
    public static ContractReader? Open(string path, SourceFile file, References references, CompilerContext context)
    {
        switch (YamlReader.Read(file, context.EffectiveLimits.Depth, context.IsRegistered))
        {
            case null:
                return null;
            case MapSyntax root when root.Has("operations") && !root.Has("contract"):
                file.Report(ContractDiagnostics.OperationsMisplaced(root.KeyAt("operations")));
                return null;
            case MapSyntax root:
                if (!context.IsRegistered)
                {
                    root.ReportUnfitNumbers(file);
                }

                return new ContractReader(path, file, root, references, context);
            case var other:
                file.Report(ContractDiagnostics.WrongType(other.At, "a contract", "a map", other.Kind));
                return null;
        }
    }

    /// <summary>The plan; null if the file or a referenced file has errors.</summary>
    /// <param name="others">The contracts that its steps may call.</param>
    public Plan? Read(ContractHeads others)
    {
        _scope.Contracts = others;
        _scope.CheckKeys(_root, Keys.Contract);
        foreach (var missing in _required.Where(required => !_root.Has(required)))
        {
            _scope.Report(
                ContractDiagnostics.MissingKey(SourceSpan.Start, "a contract", missing, $"Add '{missing}: ...' at the top level."));
        }

        var description = _scope.Text(_root.Find("description"), "'description'")?.Text ?? "";
        var stateMap = new DeclarationReader(_scope, _expressions, _retries, _events).Read(_root);

        var key = _expressions.Read(_root.Find("key"), "'key'", ExpressionPlace.Key);
        var onDuplicate = ReadOnDuplicate();
        var schedule = _schedule.Read(_root, _input, key);
        var initial = _scope.Target(_root.Find("initial"), "'initial'", null);
        var onFailure = _scope.Target(_root.Find("on_failure"), "'on_failure'", null);
        var anyState = _events.ReadRules(_root.Find("any_state"), "'any_state'", null);
        var deadline = _events.ReadLimit(_root.Find("deadline"), "'deadline'", null);
        var states = ReadStates(stateMap);
        var findings = _scope.Found.Complete();
        ReportUnusedEvents(findings);

        // With a part missing, checks of the whole contract would report consequences of errors that are reported already.
        var isComplete = states.Count == _scope.Declared.States.Count && !_scope.UsesUnsupported;
        if (!_root.Has("on_failure"))
        {
            onFailure = AddImplicitStates(states);
        }

        var examples = new ExampleReader(_scope, _input).Read(_root.Find("examples"));
        FlowChecks? flow = null;
        if (isComplete && initial is not null && onFailure is not null)
        {
            flow = FlowChecks.Run(_scope, findings, states, initial, onFailure, deadline);
            if (!_scope.File.Reported.Any(draft => draft.Severity == Severity.Error
                && !ContractDiagnostics.IsAboutValue(draft.Code)))
            {
                DataFlow.Run(_scope, findings, states, initial, onFailure, anyState, deadline);
            }
        }

        ImmutableArray<UnverifiedCatch> unverified = [];
        if (flow is not null && !_scope.File.HasErrors)
        {
            flow.Warn(initial!);
            UnusedChecks.Run(_scope, findings, _root);
            unverified = CatchChecks.Run(_scope, findings, states);
        }

        if (_scope.File.HasErrors || _references.Files.Any(file => file.File.HasErrors))
        {
            return null;
        }

        MarkReadResults(states, findings);
        var cancelState = CancelStates.GetOrAdd(states, onFailure!);
        var source = new ContractSource(
            _path, _scope.File.Text, _references.Texts().AddRange(RemoteOperationText.Texts(findings.RemoteOperations)));
        return new Plan
        {
            Name = _name!,
            Version = _version!,
            NamedAt = _root.Find("contract")!.At,
            Description = description,
            Hash = ContractHash.Compute(
                _root, _references.Files.Concat(RemoteOperationText.Identities(findings.RemoteOperations)), findings.Origins),
            Source = source,
            Input = _input!,
            Output = _output,
            Key = key,
            OnDuplicate = onDuplicate,
            Data = [.. _scope.Declared.Data.Values],
            Events = _scope.Declared.Events.ToFrozenDictionary(StringComparer.Ordinal),
            AnyState = anyState,
            Deadline = deadline,
            Schedule = schedule,
            Initial = initial!,
            States = [.. states],
            StatesByName = states.ToFrozenDictionary(state => state.Name, StringComparer.Ordinal),
            OnFailure = onFailure!,
            CancelState = cancelState,
            Children = [.. findings.Children],
            Uses = new PlanUses(unverified, [.. findings.UsedConnections]),
            RemoteOperations = [.. findings.RemoteOperations.Select(operation => operation.Name)],
            Connections = _scope.Connections,
            BufferedEventsMax = _scope.Context.Limits.BufferedEvents,
            IdleEntriesMax = _scope.Context.Limits.IdleEntries,
            Examples = examples,
        };
    }

    private ContractHead? CreateHead() => _name is not null && _version is not null && Names.IsVersion(_version)
        ? new ContractHead(_name, _version, _input, RespondsWithOutput() ? _output : null)
        : null;

    // False if a `respond` step or a completed end without `output` may respond with something that does not match the declared output.
    private bool RespondsWithOutput()
    {
        var states = States();
        return !ContractHead.AnyStep(states, step => step.Has("respond"))
            && states.Items.OfType<MapSyntax>()
                .All(state => state.Find("end") is not ScalarSyntax { Text: "completed" } || state.Has("output"));
    }

    private ListSyntax States() =>
        new(SourceSpan.Start, [.. (_root.Find("states") as MapSyntax)?.Entries.Select(state => state.Value) ?? []]);

    private string? ReadName()
    {
        if (_scope.Text(_root.Find("contract"), "'contract'") is not { } name)
        {
            return null;
        }

        if (Names.ContractProblem(name.Text, _scope.Context.Operations) is { } problem)
        {
            _scope.Report(ContractDiagnostics.BadContractName(name.At, name.Text, problem));
        }

        return name.Text;
    }

    private string? ReadVersion()
    {
        if (_root.Find("version") is not { } node)
        {
            return null;
        }

        // YAML reads 1.0 as a number. A diagnostic about versions helps the author more than one about types.
        var text = (node as ScalarSyntax)?.Text ?? node.Kind;
        if (node is not ScalarSyntax || !Names.IsVersion(text))
        {
            _scope.Report(ContractDiagnostics.BadVersion(node.At, text));
        }

        return text;
    }

    private JsonSchema? ReadSchema(string key) =>
        _root.Find(key) is { } node ? _scope.Schemas.Read(new SchemaDocument(_path, _scope.File, node)) : null;

    private DuplicatePolicy ReadOnDuplicate()
    {
        if (_scope.Text(_root.Find("on_duplicate"), "'on_duplicate'") is not { } text)
        {
            return DuplicatePolicy.Reject;
        }

        if (text.Text is not ("join" or "reject"))
        {
            _scope.Report(ContractDiagnostics.WrongType(text.At, "'on_duplicate'", "'join' or 'reject'", $"'{Spelling.Clip(text.Text)}'"));
        }
        else if (!_root.Has("key"))
        {
            _scope.Report(ContractDiagnostics.MissingKey(
                _root.KeyAt("on_duplicate"), "'on_duplicate'", "key", "Add 'key: input.some_id', or remove 'on_duplicate'."));
        }

        return text.Text == "join" ? DuplicatePolicy.Join : DuplicatePolicy.Reject;
    }

    private void ReportUnusedEvents(Findings findings)
    {
        foreach (var (name, _) in _root.Find("events") is MapSyntax map ? map.Entries.Take(Limits.EventsMax) : [])
        {
            if (!findings.UsedEvents.Contains(name.Text))
            {
                _scope.Report(ContractDiagnostics.UnusedEvent(name.At, name.Text));
            }
        }
    }

    private List<StatePlan> ReadStates(MapSyntax? map)
    {
        if (map is { Entries.Count: 0 })
        {
            _scope.Report(ContractDiagnostics.WrongType(map.At, "'states'", "a map with a state", "an empty map"));
        }

        var states = new List<StatePlan>();
        foreach (var (name, value) in (map?.Entries ?? []).Take(_scope.Limits.States))
        {
            if (_states.Read(name, value) is { } state)
            {
                states.Add(state);
            }
        }

        return states;
    }

    // Adds the states of a contract without on_failure: a failure compensates all completed steps, then the saga fails.
    private string AddImplicitStates(List<StatePlan> states)
    {
        var end = _impliedFailedEnds
            .Concat(Enumerable.Range(2, _scope.Limits.States).Select(number => $"compensation_done_{number}"))
            .First(name => !_scope.Declared.States.ContainsKey(name));
        states.Add(StateReader.ImplicitCompensating("compensating", end));
        states.Add(StateReader.ImplicitFailed(end));
        return "compensating";
    }

    private static void MarkReadResults(List<StatePlan> states, Findings findings)
    {
        foreach (var step in states.SelectMany(state => state.AllSteps))
        {
            if (!findings.ReadPaths.TryGetValue(step.Id, out var paths))
            {
                continue;
            }

            if (step is CallStep call)
            {
                call.ResultIsRead = true;
                call.ResultPaths = Outermost(paths);
            }
            else if (step is EachStep each)
            {
                each.ResultIsRead = true;
            }
        }
    }

    // Drops paths that are part of another: `body` includes `body.score`.
    private static ImmutableArray<ImmutableArray<string>> Outermost(List<ImmutableArray<string>> paths)
    {
        var kept = new List<ImmutableArray<string>>();
        foreach (var path in paths.OrderBy(path => path.Length).ThenBy(path => string.Join('.', path), StringComparer.Ordinal))
        {
            if (!kept.Exists(outer => path.AsSpan().StartsWith(outer.AsSpan())))
            {
                kept.Add(path);
            }
        }

        return [.. kept];
    }
}
