using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>Reads the outcomes of a step: the type of its result, rejections, and the targets of failures.</summary>
internal sealed partial class StepReader
{
    // Reports a type that the result can never have, because it would fail the step every time.
    private DataType? ReadReturns(MapSyntax map, Call? call)
    {
        if (map.Find("returns") is not { } node)
        {
            return null;
        }

        var returns = scope.Types.Read(node);
        if (call is not null && StaticTypes.Contradiction(expressions.Types.TypeBeforeReturns(map), returns) is { } contradiction)
        {
            var called = call.Role == CallRole.Saga ? scope.Contracts.Find(call.Operation.Name)!.DisplayName : $"'{call.Operation.Name}'";
            scope.Report(ContractDiagnostics.ReturnsNeverMatches(node.At, called, contradiction));
        }

        return returns;
    }

    /// <summary>The entries of a <c>catch</c>; the first entry that covers a code applies.</summary>
    public ImmutableArray<CatchRule> ReadCatch(SyntaxNode? node, string state)
    {
        var rules = ImmutableArray.CreateBuilder<CatchRule>();
        var (caught, catchesAll) = (new HashSet<string>(StringComparer.Ordinal), false);
        foreach (var entry in scope.List(node, "'catch'")?.Items ?? [])
        {
            if (scope.Map(entry, "an entry of 'catch'") is not { } map)
            {
                continue;
            }

            scope.CheckKeys(map, Keys.Catch);
            var codes = ReadCodes(map.Find("error"));
            if (catchesAll)
            {
                scope.Report(ContractDiagnostics.CatchAfterAll(map.At));
            }

            foreach (var code in codes.Where(code => !caught.Add(code.Text) && !catchesAll))
            {
                scope.Report(ContractDiagnostics.CaughtBefore(code.At, code.Text));
            }

            catchesAll |= !map.Has("error");
            if (!map.Has("next"))
            {
                scope.Report(ContractDiagnostics.MissingKey(map.At, "an entry of 'catch'", "next", "Add 'next: some_state'."));
            }
            else if (scope.Target(map.Find("next"), "'next'", state) is { } next)
            {
                var rule = new CatchRule([.. codes.Select(code => code.Text)], next);
                scope.Found.CatchCodes[rule] = catchesAll ? [] : codes;
                rules.Add(rule);
            }
        }

        return rules.ToImmutable();
    }

    private List<ScalarSyntax> ReadCodes(SyntaxNode? node)
    {
        // A rule without codes catches all.
        if (node is ListSyntax { Items.Count: 0 })
        {
            scope.Report(ContractDiagnostics.WrongType(node.At, "'error'", "an error code or a list of them", "an empty list"));
        }

        return [.. (node is ListSyntax list ? list.Items : node is null ? [] : [node]).Select(item => scope.Name(item, "an error code"))
            .OfType<ScalarSyntax>()];
    }

    private ImmutableArray<RejectRule> ReadReject(SyntaxNode? node, ExpressionPlace place)
    {
        var (rules, guards) = (ImmutableArray.CreateBuilder<RejectRule>(), new GuardChecks(scope));
        foreach (var entry in scope.List(node, "'reject'")?.Items ?? [])
        {
            if (scope.Map(entry, "an entry of 'reject'") is not { } map || expressions.ReportIfSplit(map))
            {
                continue;
            }

            scope.CheckKeys(map, Keys.Reject);
            foreach (var key in Keys.Reject.Known.Where(key => !map.Has(key)))
            {
                scope.Report(ContractDiagnostics.MissingKey(
                    map.At, "an entry of 'reject'", key, "Write '- { when: result.status_code == 409, code: some_code }'."));
            }

            var when = expressions.Read(map.Find("when"), "'when'", place);
            guards.Check(when, map.At);
            if (scope.Name(map.Find("code"), "'code'") is { } code && when is not null)
            {
                rules.Add(new RejectRule(when, code.Text));
            }
        }

        return rules.ToImmutable();
    }

    private TimeSpan? ReadHeartbeat(MapSyntax map)
    {
        if (map.Find("heartbeat_timeout") is not { } node)
        {
            return null;
        }

        if (map.Has("effect"))
        {
            scope.Report(ContractDiagnostics.KeysExclude(
                map.KeyAt("heartbeat_timeout"), "a step", "effect", "heartbeat_timeout",
                "Only computations report progress. Use 'timeout' for an effect."));
            return null;
        }

        var silence = scope.Duration(node);
        if (silence < CallStep.HeartbeatMin)
        {
            scope.Report(ContractDiagnostics.OutOfRange(
                node.At, "heartbeat_timeout", $"at least {Durations.Format(CallStep.HeartbeatMin)}"));
            return null;
        }

        return silence;
    }

    // The argument `each` of the operation `aggregate` names the step whose stored items are read.
    private void CheckAggregatedStep(SyntaxNode node)
    {
        if (scope.Text(node, "'each'") is { } id && !(scope.Declared.StepNodes.TryGetValue(id.Text, out var step) && step.Has("each")))
        {
            scope.Report(ContractDiagnostics.WrongType(node.At, "'each'", "the id of a step with 'each'", $"'{Spelling.Clip(id.Text)}'"));
        }
    }
}
