using System.Collections.Frozen;
using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>Reads one contract from the top.</summary>
internal sealed class ContractReader
{
    private static readonly string[] _required = ["contract", "version", "input", "initial", "states"];
    private static readonly string[] _impliedEnds = ["failed", "compensation_done"];

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
    private int _steps;

    private ContractReader(string path, SourceFile file, MapSyntax root, References references, CompilerContext context)
    {
        var schemas = new SchemaReader(references);
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
        (_scope.Input, _scope.Output) = (_input, _output) = (ReadSchema("input"), ReadSchema("output"));
        Head = MakeHead();
    }

    /// <summary>What other contracts must know of it; null if it has no name and version that they could call.</summary>
    public ContractHead? Head { get; }

    /// <summary>Whether some step of it calls another contract, so that the others must be known before it is read.</summary>
    public bool CallsContracts => ContractHead.AnyStep(States(), step => step.Has("saga") || (step.Find("compensate") as MapSyntax)?.Has("saga") == true);

    /// <summary>What reads the contract, having read its head; null if the file holds none, after complaining.</summary>
    public static ContractReader? Open(string path, SourceFile file, References references, CompilerContext context)
    {
        switch (YamlReader.Read(file, context.Allowed.Depth, context.IsRegistered))
        {
            case null:
                return null;
            case MapSyntax root:
                if (!context.IsRegistered)
                {
                    ContractDiagnostics.ReportNumbers(file, root);
                }

                return new ContractReader(path, file, root, references, context);
            case var other:
                file.Report(ContractDiagnostics.WrongType(other.At, "a contract", "a map", other.Kind));
                return null;
        }
    }

    /// <summary>The plan; null if anything is wrong with the file or with one that it refers to, after complaining there.</summary>
    /// <param name="others">The contracts that its steps may call.</param>
    public Plan? Read(ContractHeads others)
    {
        _scope.Contracts = others;
        _scope.CheckKeys(_root, Keys.Contract);
        foreach (var missing in _required.Where(required => !_root.Has(required)))
        {
            _scope.Report(ContractDiagnostics.MissingKey(SourceSpan.Start, "a contract", missing, $"Add '{missing}: ...' at the top level."));
        }

        // What is declared comes before what refers to it, whatever the order of the file.
        var description = _scope.Text(_root.Find("description"), "'description'")?.Text ?? "";
        ReadData();
        ReadRetries();
        _events.ReadEvents(_root.Find("events"));
        _scope.HasAnyState = _root.Has("any_state");
        var stateMap = _scope.Map(_root.Find("states"), "'states'");
        DeclareStates(stateMap);

        var key = _expressions.Read(_root.Find("key"), "'key'", ExpressionPlace.Key);
        var duplicate = ReadDuplicate();
        var schedule = _schedule.Read(_root, _input, key);
        var initial = _scope.Target(_root.Find("initial"), "'initial'", null);
        var onFailure = _scope.Target(_root.Find("on_failure"), "'on_failure'", null);
        var anyState = _events.ReadRules(_root.Find("any_state"), "'any_state'", null);
        var deadline = _events.ReadLimit(_root.Find("deadline"), "'deadline'", null);
        var states = ReadStates(stateMap);
        CheckEvents();
        var complete = states.Count == _scope.States.Count && !_scope.HasNotYet;
        if (!_root.Has("on_failure"))
        {
            onFailure = AddImplicit(states);
        }

        var examples = new ExampleReader(_scope, _input).Read(_root.Find("examples"));
        FlowChecks? flow = null;
        if (complete && initial is not null && onFailure is not null)
        {
            flow = FlowChecks.Run(_scope, states, initial, onFailure, deadline);
            if (!_scope.File.Reported.Any(complaint => complaint.Severity == Severity.Error && !ContractDiagnostics.IsAboutValue(complaint.Code)))
            {
                DataFlow.Run(_scope, states, initial, onFailure, anyState, deadline);
            }
        }

        ImmutableArray<DoubtfulCatch> doubtful = [];
        if (flow is not null && !_scope.File.HasErrors)
        {
            flow.Doubt(initial!);
            UnusedChecks.Run(_scope, _root);
            doubtful = CatchChecks.Run(_scope, states);
        }

        if (_scope.File.HasErrors || _references.Files.Any(file => file.File.HasErrors))
        {
            return null;
        }

        KeepResults(states);
        var cancelState = CancelStates.Add(states, onFailure!);
        var source = new ContractSource(_path, _scope.File.Text, _references.Texts());
        return new Plan
        {
            Name = _name!,
            Version = _version!,
            NamedAt = _root.Find("contract")!.At,
            Description = description,
            Hash = ContractHash.Of(_root, _references.Files, _scope.Origins),
            Source = source,
            Input = _input!,
            Output = _output,
            Key = key,
            OnDuplicate = duplicate,
            Data = [.. _scope.Data.Values],
            Events = _scope.Events.ToFrozenDictionary(StringComparer.Ordinal),
            AnyState = anyState,
            Deadline = deadline,
            Schedule = schedule,
            Initial = initial!,
            States = [.. states],
            StatesByName = states.ToFrozenDictionary(state => state.Name, StringComparer.Ordinal),
            OnFailure = onFailure!,
            CancelState = cancelState,
            Children = [.. _scope.Children],
            Uses = new PlanUses(doubtful, [.. _scope.UsedConnections]),
            Connections = _scope.Connections,
            BufferedEventsMax = _scope.Context.Limits.BufferedEvents,
            IdleEntriesMax = _scope.Context.Limits.IdleEntries,
            Examples = examples,
        };
    }

    private ContractHead? MakeHead() => _name is not null && _version is not null && Names.IsVersion(_version)
        ? new ContractHead(_name, _version, _input, AnswersWithOutput() ? _output : null)
        : null;

    // One that answers before its end answers its caller with that, and an end that says no output with nothing.
    private bool AnswersWithOutput()
    {
        var states = States();
        return !ContractHead.AnyStep(states, step => step.Has("respond"))
            && states.Items.OfType<MapSyntax>().All(state => state.Find("end") is not ScalarSyntax { Text: "completed" } || state.Has("output"));
    }

    private ListSyntax States() => new(SourceSpan.Start, [.. (_root.Find("states") as MapSyntax)?.Entries.Select(state => state.Value) ?? []]);

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

        // 1.0 is a number to YAML: the complaint about versions says more than one about types.
        var text = (node as ScalarSyntax)?.Text ?? node.Kind;
        if (node is not ScalarSyntax || !Names.IsVersion(text))
        {
            _scope.Report(ContractDiagnostics.BadVersion(node.At, text));
        }

        return text;
    }

    private JsonSchema? ReadSchema(string key) =>
        _root.Find(key) is { } node ? _scope.Schemas.Read(new SchemaDocument(_path, _scope.File, node)) : null;

    private DuplicatePolicy ReadDuplicate()
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
            _scope.Report(ContractDiagnostics.MissingKey(_root.KeyAt("on_duplicate"), "'on_duplicate'", "key", "Add 'key: input.some_id', or remove 'on_duplicate'."));
        }

        return text.Text == "join" ? DuplicatePolicy.Join : DuplicatePolicy.Reject;
    }

    private void ReadData()
    {
        var map = _scope.Map(_root.Find("data"), "'data'");
        if (map?.Entries.Count > Limits.DataFieldsMax)
        {
            _scope.Report(ContractDiagnostics.TooMany(map.Entries[Limits.DataFieldsMax].Key.At, "fields of 'data'", Limits.DataFieldsMax));
        }

        foreach (var (name, value) in (map?.Entries ?? []).Take(Limits.DataFieldsMax))
        {
            if (!Names.IsIdentifier(name.Text))
            {
                _scope.Report(ContractDiagnostics.BadName(name.At, "a field of 'data'", name.Text, dashes: false));
            }

            _scope.Data[name.Text] = ReadField(name.Text, value);
        }
    }

    private DataField ReadField(string name, SyntaxNode node)
    {
        // { type: int, initial: 0 } is a field with a first value; { type: string } alone is an object with a field of that name.
        if (node is not MapSyntax map || !map.Has("type") || !map.Has("initial"))
        {
            return new DataField(name, _scope.Types.Read(node), null);
        }

        _scope.CheckKeys(map, Keys.DataField);
        var type = _scope.Types.Read(map.Find("type")!);
        var initial = map.Find("initial")!;
        if (initial is ScalarSyntax { IsText: true } text)
        {
            new LookAlikes(_scope, _expressions.Types).Check(text, text.Text, ExpressionPlace.Key, ArgumentFilling.Value);
        }

        if (!type.TryConvert(initial.ToValue(), out var converted, out var problem))
        {
            _scope.Report(ContractDiagnostics.InitialWrong(initial.At, name, $"{problem!.Pointer} {problem.Problem}".Trim()));
        }

        return new DataField(name, type, converted);
    }

    private void CheckEvents()
    {
        foreach (var (name, _) in _root.Find("events") is MapSyntax map ? map.Entries.Take(Limits.EventsMax) : [])
        {
            if (!_scope.UsedEvents.Contains(name.Text))
            {
                _scope.Report(ContractDiagnostics.UnusedEvent(name.At, name.Text));
            }
        }
    }

    private void ReadRetries()
    {
        foreach (var (name, value) in _scope.Map(_root.Find("retries"), "'retries'")?.Entries ?? [])
        {
            _scope.Retries[name.Text] = _scope.Map(value, $"the policy '{Spelling.Clip(name.Text)}'") is { } policy
                ? _retries.ReadPolicy(policy)
                : RetryPolicy.Default;
        }
    }

    private void DeclareStates(MapSyntax? map)
    {
        if (map?.Entries.Count > _scope.Limits.States)
        {
            _scope.Report(ContractDiagnostics.TooMany(map.Entries[_scope.Limits.States].Key.At, "states", _scope.Limits.States));
        }

        // Those that are too many as well: ways to them are no mistakes of their own.
        foreach (var (name, value) in map?.Entries ?? [])
        {
            if (Names.ReservedStates.Contains(name.Text))
            {
                _scope.Report(ContractDiagnostics.ReservedState(name.At, name.Text));
            }
            else if (!Names.IsState(name.Text))
            {
                _scope.Report(ContractDiagnostics.BadName(name.At, "a state", name.Text, dashes: true));
            }

            _scope.States[name.Text] = name.At;
            if (value is MapSyntax state)
            {
                state.ReadAs(Keys.State.Known);
                DeclareSteps(state.Find("steps"), name.Text);
            }
        }
    }

    // Inside what this version does not have, too, so that one "not yet" does not bring ten "no such step".
    private void DeclareSteps(SyntaxNode? node, string state)
    {
        switch (node)
        {
            case ListSyntax list:
                foreach (var item in list.Items)
                {
                    DeclareSteps(item, state);
                }

                break;
            case MapSyntax map:
                map.ReadAs(Keys.OfSteps);
                if (_steps++ == _scope.Limits.Steps)
                {
                    _scope.Report(ContractDiagnostics.TooMany(map.At, "steps", _scope.Limits.Steps));
                }

                if (map.Find("id") is ScalarSyntax id)
                {
                    _scope.Steps.TryAdd(id.Text, state);
                    _scope.CallNodes.TryAdd(id.Text, map);

                    if (map.Find("compensate") is MapSyntax undo && !undo.Has("none"))
                    {
                        _scope.Compensated.Add(id.Text);
                    }

                    if (StepReader.CallsNothing(map))
                    {
                        _scope.WithoutResult.Add(id.Text);
                    }
                }

                DeclareSteps((map.Find("parallel") as MapSyntax)?.Find("branches"), state);
                DeclareSteps(map.Find("steps"), state);
                break;
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

    // Without on_failure a failed contract takes back what it did, and fails.
    private string AddImplicit(List<StatePlan> states)
    {
        var end = _impliedEnds
            .Concat(Enumerable.Range(2, _scope.Limits.States).Select(number => $"compensation_done_{number}"))
            .First(name => !_scope.States.ContainsKey(name));
        states.Add(StateReader.ImplicitCompensating("compensating", end));
        states.Add(StateReader.ImplicitFailed(end));
        return "compensating";
    }

    private void KeepResults(List<StatePlan> states)
    {
        foreach (var step in states.SelectMany(state => state.AllSteps))
        {
            if (!_scope.ReadPaths.TryGetValue(step.Id, out var paths))
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

    // With body kept, body.score is kept too.
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
