using System.Collections.Immutable;
using System.Globalization;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>Reads <c>parallel</c> and <c>each</c> steps.</summary>
internal sealed partial class StepReader
{
    // Null if the list could not be read. `call` is the call of one item.
    private EachStep? ToEach(CallStep call, EachSettings each, MapSyntax map)
    {
        var types = expressions.Types;
        var save = ReadAssignments(
            map.Find("save"), "'save'", ExpressionPlace.SaveOfEach(ResultType(call.Id), types.TypeOfStep(call.Id)));
        var aggregates = ReadAggregates(
            map.Find("aggregate"), ExpressionPlace.Aggregate(types.TypeOfCall(call.Id), each.ItemType));
        var readsItems = save.SelectMany(assignment => assignment.Value.PathUses).Any(use => use.Path[0] is "results" or "failures");
        if (readsItems && each.AtMost > Limits.ResultsMax)
        {
            scope.Report(ContractDiagnostics.TooManyResults(map.KeyAt("save"), call.Id, each.AtMost));
        }

        return each.Expression is null
            ? null
            : new EachStep
            {
                Id = call.Id,
                Call = call,
                Catch = call.Catch,
                Items = each.Expression,
                ItemsAreInput = each.Expression.PathUses.All(use => use.Path[0] is "input"),
                AtOnce = each.AtOnce,
                AtMost = each.AtMost,
                FailuresMax = each.FailuresMax,
                Save = save,
                ReadsItems = readsItems,
                Aggregates = aggregates,
            };
    }

    private ImmutableArray<AggregatePlan> ReadAggregates(SyntaxNode? node, ExpressionPlace place)
    {
        var aggregates = ImmutableArray.CreateBuilder<AggregatePlan>();
        var entries = scope.Map(node, "'aggregate'")?.Entries ?? [];
        if (entries.Count > Limits.AggregatesMax)
        {
            scope.Report(ContractDiagnostics.TooMany(entries[Limits.AggregatesMax].Key.At, "aggregates", Limits.AggregatesMax));
        }

        foreach (var (name, value) in entries.Take(Limits.AggregatesMax))
        {
            if (name.Text is "completed" or "failed")
            {
                scope.Report(ContractDiagnostics.ReservedAggregate(name.At, name.Text));
            }
            else if (!Names.IsIdentifier(name.Text))
            {
                scope.Report(ContractDiagnostics.BadName(name.At, "an aggregate", name.Text, allowsDashes: false));
            }
            else if (scope.Map(value, $"aggregate '{name.Text}'") is { } map && ReadAggregate(name.Text, map, place) is { } aggregate)
            {
                aggregates.Add(aggregate);
            }
        }

        return aggregates.ToImmutable();
    }

    private AggregatePlan? ReadAggregate(string name, MapSyntax map, ExpressionPlace place)
    {
        if (expressions.ReportIfSplit(map))
        {
            return null;
        }

        scope.CheckKeys(map, Keys.Aggregate);
        var kinds = Keys.Aggregate.OneOf.Where(map.Has).ToList();
        if (kinds is not [var kind])
        {
            scope.Report(kinds is [var one, var other, ..]
                ? ContractDiagnostics.KeysExclude(map.KeyAt(other), "an aggregate", one, other, "Write two aggregates.")
                : ContractDiagnostics.MissingKey(map.At, "an aggregate", "sum",
                    "Write '{ sum: result.amount }', or 'count', 'min', 'max'."));
            return null;
        }

        var node = map.Find(kind)!;
        if (expressions.Read(node, $"'{kind}'", place) is not { } expression)
        {
            return null;
        }

        var type = expression.Type.Plain;
        var isCount = kind == "count";
        var fits = type.IsDyn || (isCount ? type == CelType.Bool : type == CelType.Int || type == CelType.Double);
        if (!fits)
        {
            scope.Report(ContractDiagnostics.TypesWrong(
                node.At, $"'{kind}' does not accept {expression.Type}",
                $"it expects {(isCount ? "a bool" : "an int or a double")}: convert the value"));
        }

        return new AggregatePlan(name, Enum.Parse<AggregateKind>(kind, ignoreCase: true), expression, type == CelType.Double);
    }

    private EachSettings ReadEach(MapSyntax step, string? id)
    {
        if (scope.Map(step.Find("each"), "'each'") is not { } map || expressions.ReportIfSplit(map))
        {
            return new EachSettings(null, CelType.Dyn, AtOnce: 1, AtMost: 1, FailuresMax: 0);
        }

        scope.CheckKeys(map, Keys.Each);
        if (!map.Has("item"))
        {
            scope.Report(ContractDiagnostics.MissingKey(map.At, "'each'", "item", "Write 'each: { item: input.items, at_most: 500 }'."));
        }

        var items = expressions.Read(map.Find("item"), "'item'", ExpressionPlace.Step);
        if (items is not null && items.Type.Plain is not (CelType.ListOf or CelType.DynType or CelType.NothingType))
        {
            scope.Report(ContractDiagnostics.ItemsNotList(map.Find("item")!.At, items.Type.ToString()));
        }

        var list = items?.Type.Plain as CelType.ListOf;
        var atMost = ReadNumber(map.Find("at_most"), "'at_most'", scope.Limits.Items);

        // A newer rule: for registered contracts an assumed size stays the bound.
        var sizeMax = scope.Context.IsRegistered ? list?.Size : list?.SizeMax;
        if (items is not null && sizeMax is null && !map.Has("at_most"))
        {
            scope.Report(ContractDiagnostics.EachUnbounded(map.At, id ?? "this one"));
        }

        return new EachSettings(
            items,
            list?.Item ?? CelType.Dyn,
            ReadNumber(map.Find("at_once"), "'at_once'", Limits.AtOnceMax) ?? Limits.AtOnce,
            atMost ?? (int)Math.Min(sizeMax ?? 1, scope.Limits.Items),
            ReadItemFailure(map.Find("on_item_failure")));
    }

    // The number of items that may fail; null for any number.
    private int? ReadItemFailure(SyntaxNode? node)
    {
        switch (node)
        {
            case null or ScalarSyntax { Text: "stop" }:
                return 0;
            case ScalarSyntax { Text: "continue" }:
                return null;
            case MapSyntax map:
                scope.CheckKeys(map, Keys.ItemFailure);
                return ReadNumber(map.Find("at_most"), "'at_most'", scope.Limits.Items) ?? 0;
            default:
                scope.Report(
                    ContractDiagnostics.WrongType(node.At, "'on_item_failure'", "'stop', 'continue' or { at_most: 3 }", node.Kind));
                return 0;
        }
    }

    private int? ReadNumber(SyntaxNode? node, string what, int max)
    {
        if (node is null)
        {
            return null;
        }

        if (node is ScalarSyntax { IsPlain: true } scalar
            && int.TryParse(scalar.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            if (number >= 1 && number <= max)
            {
                return number;
            }

            scope.Report(
                ContractDiagnostics.OutOfRange(node.At, what.Trim('\''), $"from 1 to {max.ToString(CultureInfo.InvariantCulture)}"));
            return null;
        }

        scope.Report(ContractDiagnostics.WrongType(node.At, what, "a whole number", node.Kind));
        return null;
    }

    private ParallelStep? ReadParallel(MapSyntax map, string? id, string state, string place)
    {
        var rules = ReadCatch(map.Find("catch"), state);
        if (scope.Map(map.Find("parallel"), "'parallel'") is not { } parallel)
        {
            return null;
        }

        scope.CheckKeys(parallel, Keys.Parallel);
        if (!parallel.Has("branches"))
        {
            scope.Report(ContractDiagnostics.MissingKey(
                parallel.At, "'parallel'", "branches", "Write 'branches:' and below it the steps that run at the same time."));
        }

        var list = scope.List(parallel.Find("branches"), "'branches'");
        if (list is { Items.Count: < 2 })
        {
            scope.Report(
                ContractDiagnostics.WrongType(list.At, "'branches'", "a list of two branches or more", $"one of {list.Items.Count}"));
        }
        else if (list?.Items.Count > scope.Limits.Branches)
        {
            scope.Report(ContractDiagnostics.TooMany(
                list.Items[scope.Limits.Branches].At, "branches", scope.Limits.Branches, "ONEX_MAX_BRANCHES"));
        }

        var nodes = (list?.Items ?? []).Take(scope.Limits.Branches).ToList();
        var (join, needed) = ReadJoin(parallel.Find("join"), nodes.Count);
        var branches = nodes.Select((node, index) => ReadBranch(node, state, $"{place}/{index}", join)).ToList();
        CheckSaves(branches, nodes);
        return branches.Exists(branch => branch.Steps.IsEmpty) || nodes.Count < 2
            ? null
            : new ParallelStep { Id = id ?? "", Branches = [.. branches], Join = join, Needed = needed, Catch = rules };
    }

    private (Join Join, int Needed) ReadJoin(SyntaxNode? node, int branches)
    {
        switch (node)
        {
            case null or ScalarSyntax { Text: "all" }:
                return (Join.All, branches);
            case ScalarSyntax { Text: "any" }:
                return (Join.Any, 1);
            case MapSyntax map:
                scope.CheckKeys(map, Keys.Join);
                if (!map.Has("at_least"))
                {
                    scope.Report(
                        ContractDiagnostics.MissingKey(map.At, "'join'", "at_least", "Write 'join: { at_least: 2 }', or 'all', or 'any'."));
                }

                var needed = ReadNumber(map.Find("at_least"), "'at_least'", scope.Limits.Branches) ?? 1;
                if (needed > branches && branches > 0)
                {
                    scope.Report(ContractDiagnostics.JoinImpossible(map.Find("at_least")!.At, needed, branches));
                }

                return (Join.AtLeast, needed);
            default:
                scope.Report(ContractDiagnostics.WrongType(node.At, "'join'", "'all', 'any' or { at_least: 2 }", node.Kind));
                return (Join.All, branches);
        }
    }

    // A step, a list of steps, or { steps: [...], losers: keep }.
    private BranchPlan ReadBranch(SyntaxNode node, string state, string place, Join join)
    {
        var map = node as MapSyntax;
        var losers = map?.Find("losers");
        if (losers is not null && (losers as ScalarSyntax)?.Text is not ("keep" or "compensate"))
        {
            scope.Report(ContractDiagnostics.WrongType(losers.At, "'losers'", "'compensate' or 'keep'", losers.Kind));
        }
        else if (losers is not null && join == Join.All)
        {
            scope.Report(ContractDiagnostics.LosersMisplaced(map!.KeyAt("losers"), "'join: all' waits for every branch"));
        }

        var keep = (losers as ScalarSyntax)?.Text == "keep";
        if (map?.Has("steps") == true)
        {
            scope.CheckKeys(map, Keys.Branch);
            return new BranchPlan(ReadAll(scope.List(map.Find("steps"), "'steps'")?.Items ?? [], state, place), keep);
        }

        return node is ListSyntax list
            ? new BranchPlan(ReadAll(list.Items, state, place), keep)
            : new BranchPlan(Read(node, state, $"{place}[0]", inBranch: true) is { } step ? [step] : [], keep);
    }

    // Reports a field that two branches write, because the order of their writes is undefined.
    private void CheckSaves(List<BranchPlan> branches, List<SyntaxNode> nodes)
    {
        var written = new HashSet<string>(StringComparer.Ordinal);
        for (var branch = 0; branch < branches.Count; branch++)
        {
            foreach (var field in branches[branch].Steps.SelectMany(WrittenFields).Distinct(StringComparer.Ordinal))
            {
                if (!written.Add(field))
                {
                    scope.Report(ContractDiagnostics.SavedTwice(nodes[branch].At, field));
                }
            }
        }
    }

    private static IEnumerable<string> WrittenFields(StepPlan step) => step switch
    {
        CallStep call => call.Save.Select(assignment => assignment.Field),
        EachStep each => each.Save.Select(assignment => assignment.Field),
        SetStep set => set.Assignments.Select(assignment => assignment.Field),
        ParallelStep parallel => parallel.Branches.SelectMany(branch => branch.Steps).SelectMany(WrittenFields),
        _ => [],
    };

    /// <summary>The values under <c>each</c>. Without an expression it is invalid; without <c>FailuresMax</c> any items may fail.</summary>
    private sealed record EachSettings(Expression? Expression, CelType ItemType, int AtOnce, int AtMost, int? FailuresMax);
}
