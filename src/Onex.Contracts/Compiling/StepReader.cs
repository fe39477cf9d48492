using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;
using Onex.Operations;

namespace Onex.Contracts.Compiling;

internal sealed partial class StepReader(ContractScope scope, ExpressionReader expressions, TemplateReader templates, RetryReader retries)
{
    private static readonly string[] _kindsWithoutCall = ["wait", "set", "respond", "fail", "parallel", "emit"];
    private static readonly string[] _callKeys = ["effect", "compute", "saga"];

    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);

    /// <summary>Whether a step is of a kind that has no result because it calls nothing or does not wait for the call.</summary>
    public static bool HasNoResult(MapSyntax step) => _kindsWithoutCall.Any(step.Has) || IsDetached(step);

    /// <summary>Reads the steps of a state or of a branch.</summary>
    /// <param name="items">The steps.</param>
    /// <param name="state">The state that the steps are in.</param>
    /// <param name="place">The position of the list, from which steps without an id get their names: <c>work</c>, <c>work[0]/1</c>.</param>
    public ImmutableArray<StepPlan> ReadAll(IReadOnlyList<SyntaxNode> items, string state, string place)
    {
        var plans = items.Select((step, index) => Read(step, state, $"{place}[{index}]", inBranch: false)).ToList();
        var failIndex = plans.FindIndex(step => step is FailStep);
        if (failIndex >= 0 && failIndex + 1 < plans.Count)
        {
            scope.Report(ContractDiagnostics.StepAfterFail(items[failIndex + 1].At));
        }

        foreach (var (_, item) in plans.Zip(items).Where(pair => pair.First is RespondStep).Skip(1))
        {
            scope.Report(ContractDiagnostics.RespondsAgain(item.At));
        }

        return [.. plans.OfType<StepPlan>()];
    }

    /// <summary>The step; null after reporting an error.</summary>
    /// <param name="node">The step.</param>
    /// <param name="state">The state that it is in.</param>
    /// <param name="place">Its position, from which it gets its name if it has no id.</param>
    /// <param name="inBranch">Whether it is a whole branch, so `losers` is allowed.</param>
    public StepPlan? Read(SyntaxNode node, string state, string place, bool inBranch)
    {
        if (scope.Map(node, "a step") is not { } map)
        {
            return null;
        }

        if (map.Has("losers") && !inBranch)
        {
            scope.Report(ContractDiagnostics.LosersMisplaced(map.KeyAt("losers"), "this step is not a branch"));
        }

        if (_kindsWithoutCall.Where(map.Has).ToList() is [var kind, .. var more])
        {
            foreach (var other in more.Concat(_callKeys.Where(map.Has)))
            {
                scope.Report(ContractDiagnostics.KeysExclude(map.KeyAt(other), "a step", kind, other, "Use two steps."));
            }

            return ReadStepWithoutCall(map, kind, state, place);
        }

        return IsDetached(map) ? ReadDetached(map, state, place) : ReadCallStep(map, state);
    }

    private static bool IsDetached(MapSyntax map) => map.Has("saga") && map.Find("detached") is ScalarSyntax { Bool: true };

    private StartStep? ReadDetached(MapSyntax map, string state, string place)
    {
        scope.CheckKeys(map, Keys.DetachedStep);
        var id = map.Has("id") ? ReadId(map) : place;
        var rules = ReadCatch(map.Find("catch"), state);
        return ReadCall(map, "a step", ExpressionPlace.Step) is { } call
            ? new StartStep { Id = id ?? "", Contract = call.Invocation.Operation, Input = call.Invocation.Arguments, Catch = rules }
            : null;
    }

    private StepPlan? ReadCallStep(MapSyntax map, string state)
    {
        scope.CheckKeys(map, map.Has("saga") ? Keys.ChildStep : Keys.Step);
        if (map.Has("aggregate") && !map.Has("each"))
        {
            scope.Report(ContractDiagnostics.MissingKey(
                map.KeyAt("aggregate"), "a step with 'aggregate'", "each",
                "Add 'each: { item: input.items, at_most: 500 }', or remove it."));
        }

        if (map.Has("saga") && map.Find("detached") is { } detached and not ScalarSyntax { Bool: not null })
        {
            scope.Report(ContractDiagnostics.WrongType(detached.At, "'detached'", "true or false", detached.Kind));
        }

        var id = ReadId(map);
        if (id is not null && map.Has("retry"))
        {
            scope.Found.RetriedAt[id] = map.KeyAt("retry");
        }

        var each = map.Has("each") ? ReadEach(map, id) : null;
        var call = ReadCall(map, "a step", ExpressionPlace.Step.WithItem(each?.ItemType));
        var step = new CallStep
        {
            Id = id ?? "",
            Role = call?.Role ?? CallRole.Effect,
            Invocation = call?.Invocation ?? new Invocation("", null, new Template.Map([])),
            ResultType = call?.Operation is { } operation && call.Role != CallRole.Saga ? ResultOf(operation) : DataType.Any,
            Returns = ReadReturns(map, call),
            Save = each is null ? ReadAssignments(map.Find("save"), "'save'", ExpressionPlace.ForResult(ResultType(id))) : [],
            Retry = call?.Retry ?? RetryPolicy.Default,
            Timeout = call?.Timeout ?? CallStep.DefaultTimeout,
            HeartbeatTimeout = ReadHeartbeat(map),
            Reject = ReadReject(
                map.Find("reject"),
                ExpressionPlace.ForResult(expressions.Types.TypeBeforeReturns(map)).WithItem(each?.ItemType)),
            Catch = ReadCatch(map.Find("catch"), state),
            Compensation = ReadCompensation(map, state, id, call, each?.ItemType),
            IsRepeatable = call is { Role: not CallRole.Saga, Operation.IsRepeatable: true },
        };

        if (id is null || call is null)
        {
            return null;
        }

        return each is null ? step : map.Find("each") is MapSyntax ? ToEach(step, each, map) : null;
    }

    private string? ReadId(MapSyntax map)
    {
        if (map.Find("id") is not { } node)
        {
            scope.Report(ContractDiagnostics.MissingKey(
                map.At, "a step", "id", "Add 'id: some_name': expressions read the result as steps.some_name."));
            return null;
        }

        if (scope.Text(node, "'id'") is not { } id)
        {
            return null;
        }

        if (!Names.IsIdentifier(id.Text))
        {
            scope.Report(ContractDiagnostics.BadName(id.At, "a step", id.Text, allowsDashes: false));
        }
        else if (!_ids.Add(id.Text))
        {
            scope.Report(ContractDiagnostics.DuplicateStep(id.At, id.Text, scope.Declared.Steps[id.Text]));
        }

        return id.Text;
    }

    // The id is optional for a step that calls nothing.
    private StepPlan? ReadStepWithoutCall(MapSyntax map, string kind, string state, string place)
    {
        var id = map.Has("id") ? ReadId(map) : place;
        switch (kind)
        {
            case "parallel":
                scope.CheckKeys(map, Keys.ParallelStep);
                return ReadParallel(map, id, state, place);
            case "wait":
                scope.CheckKeys(map, Keys.WaitStep);
                return ReadWait(map.Find("wait")!, id, state);
            case "set":
                scope.CheckKeys(map, Keys.SetStep);
                return new SetStep { Id = id ?? "", Assignments = ReadAssignments(map.Find("set"), "'set'", ExpressionPlace.Step) };
            case "respond":
                scope.CheckKeys(map, Keys.RespondStep);
                var payload = map.Find("respond")!;
                if (scope.Map(payload, "'respond'") is null)
                {
                    return null;
                }

                var rules = new TemplateRules(ExpressionPlace.Output, null, ArgumentFilling.Value);
                return new RespondStep { Id = id ?? "", Payload = templates.Read(payload, DataType.Any, rules) };
            case "emit":
                scope.CheckKeys(map, Keys.EmitStep);
                return new EmitReader(scope, templates).Read(map, id, ReadCatch(map.Find("catch"), state));
            default:
                scope.CheckKeys(map, Keys.FailStep);
                return ReadFail(map, id, state);
        }
    }

    private WaitStep? ReadWait(SyntaxNode node, string? id, string state)
    {
        if (node is not MapSyntax map)
        {
            var length = scope.Duration(node);
            if (length is { } span)
            {
                scope.Found.Waits.Add(new DeclaredWait(state, span, node.At, "a wait"));
            }

            return length is null ? null : new WaitStep { Id = id ?? "", For = length };
        }

        if (expressions.ReportIfSplit(map))
        {
            return null;
        }

        scope.CheckKeys(map, Keys.WaitUntil);
        if (!map.Has("until"))
        {
            scope.Report(
                ContractDiagnostics.MissingKey(map.At, "'wait'", "until", "Write 'wait: 5m', or 'wait: { until: data.start_at }'."));
        }

        return expressions.Read(map.Find("until"), "'until'", ExpressionPlace.Step) is { } until
            ? new WaitStep { Id = id ?? "", Until = until } : null;
    }

    private FailStep? ReadFail(MapSyntax map, string? id, string state)
    {
        var rules = ReadCatch(map.Find("catch"), state);
        if (scope.Map(map.Find("fail"), "'fail'") is not { } fail)
        {
            return null;
        }

        scope.CheckKeys(fail, Keys.Failure);
        foreach (var missing in Keys.Failure.Known.Where(key => !fail.Has(key)))
        {
            scope.Report(ContractDiagnostics.MissingKey(
                fail.At, "'fail'", missing, "Write 'fail: { code: some_code, message: \"why, for people\" }'."));
        }

        return scope.Name(fail.Find("code"), "'code'") is { } code && scope.Text(fail.Find("message"), "'message'") is { } message
            ? new FailStep
            {
                Id = id ?? "",
                Code = code.Text,
                Message = templates.Read(message, DataType.Any, new TemplateRules(ExpressionPlace.Step, null, ArgumentFilling.Value)),
                Catch = rules,
            }
            : null;
    }

    // Reads the part that a step and its compensation have in common.
    private Call? ReadCall(MapSyntax map, string where, ExpressionPlace place)
    {
        var (effect, compute) = (map.Find("effect"), map.Find("compute"));
        if (effect is null && compute is null && !map.Has("saga"))
        {
            scope.Report(
                ContractDiagnostics.MissingKey(map.At, where, "effect", "Add 'effect: some.operation' or 'compute: some.operation'."));
        }
        else if (_callKeys.Where(map.Has).ToList() is [var one, var other, ..])
        {
            scope.Report(ContractDiagnostics.KeysExclude(map.KeyAt(other), where, one, other, "Use two steps."));
        }

        if (map.Has("saga"))
        {
            return ReadChild(map, place);
        }

        var operation = ReadOperation(effect ?? compute, effect is not null ? OperationRole.Effect : OperationRole.Compute);
        var arguments = ReadArguments(map, operation, place);
        var connection = ReadConnection(map, operation);
        var retry = retries.Read(map.Find("retry"));
        var timeout = scope.Duration(map.Find("timeout"));
        if (operation is null)
        {
            return null;
        }

        return new Call(
            effect is null ? CallRole.Compute : operation.Remote is null ? CallRole.Effect : CallRole.Remote,
            operation,
            new Invocation(operation.Name, connection?.Name, arguments)
            {
                LimitKey = ReadLimitKey(map, connection),
                Topic = operation.Remote?.Topic,
            },
            retry ?? connection?.Retry ?? RetryPolicy.Default,
            timeout ?? (connection?.TimeoutMs is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds)
                : operation.Remote?.Timeout ?? CallStep.DefaultTimeout));
    }

    // The connection declares the limit key as a template, so this checks it against the input of each contract that uses the connection.
    private Template? ReadLimitKey(MapSyntax map, ConnectionDescriptor? connection) =>
        connection?.LimitKey is { } key && map.Find("connection") is { } node
            ? templates.Read(
                new ScalarSyntax(node.At, key, ScalarForm.Other, plain: false), DataType.Any,
                new TemplateRules(ExpressionPlace.Key, $"key of connection {connection.Name}", ArgumentFilling.Value))
            : null;

    // Whether the contract exists is checked later, when all contracts have been read.
    private Call? ReadChild(MapSyntax map, ExpressionPlace place)
    {
        if (scope.Text(map.Find("saga"), "'saga'") is not { } name)
        {
            return null;
        }

        scope.Found.Children.Add(new ChildReference(name.Text, name.At, IsDetached(map)));
        var operation = new OperationDescriptor(
            name.Text, OperationRole.Effect, null, ChangesWorld: false, [], AnyArguments: true, new Dictionary<string, string>(),
            "A contract.");
        var arguments = scope.Contracts.Find(name.Text) is { Input: { } input } child
            ? ReadInput(map.Find("with"), name, child, input, place)
            : ReadArguments(map, operation, place);
        return new Call(CallRole.Saga, operation, new Invocation(name.Text, null, arguments), RetryPolicy.Default, CallStep.DefaultTimeout);
    }

    // Without `with` the input is an empty map.
    private Template ReadInput(SyntaxNode? node, ScalarSyntax name, ContractHead child, JsonSchema schema, ExpressionPlace place)
    {
        var input = node is null or ScalarSyntax { IsNull: true }
            ? new MapSyntax(name.At, new MapEntries(), flow: true)
            : scope.Map(node, "'with'");
        return input is null
            ? new Template.Map([])
            : templates.ReadChildInput(input, schema, new TemplateRules(place, null, ArgumentFilling.Value) { Child = child });
    }

    private OperationDescriptor? ReadOperation(SyntaxNode? node, OperationRole role)
    {
        var key = role == OperationRole.Effect ? "effect" : "compute";
        if (scope.Text(node, $"'{key}'") is not { } name)
        {
            return null;
        }

        var operation = scope.Context.Operations.Find(name.Text);
        if (operation is { Remote: not null })
        {
            scope.Found.RemoteOperations[operation.Name] = operation;
        }

        if (operation is null)
        {
            var ofRole = scope.Context.Operations.All.Where(each => each.Role == role).Select(each => each.Name).ToList();
            scope.Report(ContractDiagnostics.UnknownOperation(name.At, name.Text, ofRole));
        }
        else if (operation.Role != role)
        {
            scope.Report(ContractDiagnostics.WrongRole(name.At, name.Text, key, role == OperationRole.Effect ? "compute" : "effect"));
        }

        return operation;
    }

    private Template ReadArguments(MapSyntax step, OperationDescriptor? operation, ExpressionPlace place)
    {
        var node = step.Find("with");
        if (scope.Context.IsDirect)
        {
            return templates.Read(node!, DataType.Any, new TemplateRules(place, "with", ArgumentFilling.Value));
        }

        var map = node is ScalarSyntax { IsNull: true } ? null : scope.Map(node, "'with'");
        var arguments = ImmutableArray.CreateBuilder<KeyValuePair<string, Template>>();
        foreach (var (key, value) in map?.Entries ?? [])
        {
            if (scope.File.IsFull)
            {
                break;
            }

            var argument = operation?.Arguments.FirstOrDefault(each => string.Equals(each.Name, key.Text, StringComparison.Ordinal));
            if (argument is null && operation is { AnyArguments: false })
            {
                scope.Report(ContractDiagnostics.UnknownArgument(
                    key.At, operation.Name, key.Text, [.. operation.Arguments.Select(each => each.Name)]));
            }

            CheckIneffective(operation, argument, key, value);
            var type = argument is null ? DataType.Any : DataTypeReader.Parse(argument.Type);
            var rules = new TemplateRules(
                argument is { Filling: ArgumentFilling.Expression }
                    ? ExpressionPlace.EvaluatedByOperation(
                        argument.Reads, expressions.Types.TypeOfItem(map!.Find(argument.ItemsOf ?? ""), place))
                    : place,
                key.Text, argument?.Filling ?? ArgumentFilling.Value)
            {
                ConstantKeys = argument?.ConstantKeys ?? [],
            };
            arguments.Add(KeyValuePair.Create(key.Text, templates.Read(value, type, rules)));
            if (operation?.Name == Names.AggregateOperation && key.Text == "each")
            {
                CheckAggregatedStep(value);
            }

            if (operation?.Name == Names.ProduceOperation && key.Text == "topic" && value is ScalarSyntax topic
                && !topic.Text.Contains("${", StringComparison.Ordinal))
            {
                EmitReader.CheckTopic(scope, topic);
            }
        }

        foreach (var missing in operation?.Arguments.Where(each => each.Required && map?.Has(each.Name) != true) ?? [])
        {
            var at = map?.At ?? (step.Has("with") ? step.KeyAt("with") : (step.Find("effect") ?? step.Find("compute"))!.At);
            scope.Report(ContractDiagnostics.ArgumentMissing(at, operation!.Name, missing.Name, missing.Type));
        }

        if (operation?.Name == Names.AggregateOperation && map is not null && !map.Has("items") && !map.Has("each"))
        {
            scope.Report(ContractDiagnostics.ArgumentMissing(map.At, operation.Name, "items", "list(any)"));
        }

        return new Template.Map(arguments.ToImmutable());
    }

    // Warns of what has no effect: arguments that services ignore, and keys of maps (headers) that the runtime sets itself.
    private void CheckIneffective(OperationDescriptor? operation, ArgumentDescriptor? argument, ScalarSyntax key, SyntaxNode value)
    {
        if (argument is null || operation is null)
        {
            return;
        }

        if (operation.Ignored.Contains(argument.Name, StringComparer.Ordinal) && value is not ScalarSyntax { IsNull: true })
        {
            scope.Report(ContractDiagnostics.ArgumentUnexpected(key.At, operation.Name, argument.Name));
        }

        foreach (var (name, _) in (value as MapSyntax)?.Entries ?? [])
        {
            if (argument.ReservedKeys.Contains(name.Text, StringComparer.OrdinalIgnoreCase))
            {
                scope.Report(ContractDiagnostics.KeyReserved(name.At, operation.Name, argument.Name, name.Text));
            }
        }
    }

    /// <summary>The declared result type of an operation.</summary>
    public static DataType.Fields ResultOf(OperationDescriptor operation) =>
        new([.. operation.Result.Select(field => KeyValuePair.Create(field.Key, DataTypeReader.Parse(field.Value)))]);

    private CelType? ResultType(string? id) => id is null ? null : expressions.Types.TypeOfCall(id);

    /// <summary>The assignments to <c>data</c>.</summary>
    public ImmutableArray<Assignment> ReadAssignments(SyntaxNode? node, string what, ExpressionPlace place)
    {
        var assignments = ImmutableArray.CreateBuilder<Assignment>();
        if (scope.Map(node, what) is not { } map || expressions.ReportIfSplit(map))
        {
            return [];
        }

        foreach (var (key, value) in map.Entries)
        {
            var isDeclared = scope.Declared.Data.TryGetValue(key.Text, out var field);
            scope.Found.WrittenData.Add(key.Text);
            if (!isDeclared && !scope.File.IsFull)
            {
                scope.Report(ContractDiagnostics.UndeclaredField(key.At, key.Text, scope.Declared.Data.Keys));
            }

            // `null`, which `Read` rejects as an empty value, resets a field whose type allows it.
            var expression = value is ScalarSyntax { Text: "null" } nullText
                ? expressions.Parse(nullText, nullText.Text, 0, place)
                : expressions.Read(value, "the value of a field", place);
            if (expression is not null && isDeclared)
            {
                expressions.CheckAssignment(value, expression, field!);
                assignments.Add(new Assignment(key.Text, field!.Type, expression));
            }
        }

        return assignments.ToImmutable();
    }

    private CompensationPlan? ReadCompensation(MapSyntax step, string state, string? id, Call? call, CelType? item)
    {
        if (!step.Has("compensate"))
        {
            if (call is { Operation.ChangesWorld: true } && id is not null)
            {
                var at = (step.Find("id") ?? step).At;
                scope.Found.Uncompensated.Add(new CompensationGap(state, id, call.Operation.Name, at));
            }

            return null;
        }

        if (scope.Map(step.Find("compensate"), "'compensate'") is not { } map)
        {
            return null;
        }

        scope.CheckKeys(map, Keys.Compensate);
        if (map.Find("none") is { } none)
        {
            scope.Text(none, "the reason under 'none'");
            if (map.Entries.FirstOrDefault(entry => entry.Key.Text is "effect" or "compute" or "saga" or "when_unknown").Key is { } other)
            {
                scope.Report(ContractDiagnostics.KeysExclude(
                    other.At, "'compensate'", "none", other.Text, "Declare the compensation, or why none is needed."));
            }

            return null;
        }

        var unknown = ReadWhenUnknown(map, step.KeyAt("compensate"), state, id, call);

        // A compensation that may run without a result must not read `result`.
        var place = unknown == WhenUnknown.Run ? ExpressionPlace.UnknownOutcome : ExpressionPlace.ForResult(ResultType(id));
        return ReadCall(map, "'compensate'", place.WithItem(item)) is { } compensation
            ? new CompensationPlan(compensation.Role, compensation.Invocation, compensation.Retry, compensation.Timeout, unknown)
            : null;
    }

    // Warns only for an effect that changes the world: a child always ends with a known outcome, and other calls may be repeated.
    private WhenUnknown ReadWhenUnknown(MapSyntax map, SourceSpan at, string state, string? id, Call? call)
    {
        if (map.Find("when_unknown") is not { } node)
        {
            if (call is { Role: CallRole.Effect or CallRole.Remote, Operation.ChangesWorld: true } && id is not null)
            {
                scope.Found.UnknownOutcomeUnhandled.Add(new CompensationGap(state, id, call.Operation.Name, at));
            }

            return WhenUnknown.Block;
        }

        switch ((node as ScalarSyntax)?.Text)
        {
            case "run":
                return WhenUnknown.Run;
            case "block":
                return WhenUnknown.Block;
            case "assume_not_done":
                return WhenUnknown.AssumeNotDone;
            default:
                scope.Report(ContractDiagnostics.WrongType(node.At, "'when_unknown'", "'run', 'block' or 'assume_not_done'", node.Kind));
                return WhenUnknown.Block;
        }
    }

    private sealed record Call(CallRole Role, OperationDescriptor Operation, Invocation Invocation, RetryPolicy Retry, TimeSpan Timeout);
}
