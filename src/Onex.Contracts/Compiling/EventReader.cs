using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>Reads events, their rules, and time limits.</summary>
internal sealed class EventReader(ContractScope scope, ExpressionReader expressions, StepReader steps)
{
    /// <summary>Declares the events under <c>events</c>.</summary>
    public void ReadEvents(SyntaxNode? node)
    {
        var map = scope.Map(node, "'events'");
        if (map?.Entries.Count > Limits.EventsMax)
        {
            scope.Report(ContractDiagnostics.TooMany(map.Entries[Limits.EventsMax].Key.At, "events", Limits.EventsMax));
        }

        foreach (var (name, value) in (map?.Entries ?? []).Take(Limits.EventsMax))
        {
            if (!Names.IsIdentifier(name.Text))
            {
                scope.Report(ContractDiagnostics.BadName(name.At, "an event", name.Text, allowsDashes: false));
            }
            else if (Names.FaultCodes.Contains(name.Text))
            {
                scope.Report(ContractDiagnostics.ReservedEvent(name.At, name.Text));
            }

            // `card_updated:` alone is an event without data.
            var declared = value is ScalarSyntax { IsNull: true } ? null : scope.Map(value, $"the event '{Spelling.Clip(name.Text)}'");
            if (declared is not null)
            {
                scope.CheckKeys(declared, Keys.Event);
            }

            var data = declared?.Find("data") is { } type ? scope.Types.Read(type) : new DataType.Fields([]);
            scope.Declared.Events[name.Text] = new EventPlan(name.Text, data, scope.Duration(declared?.Find("early")));
        }
    }

    /// <summary>The event rules of a state, or those of <c>any_state</c> if the state is null.</summary>
    public ImmutableArray<EventRule> ReadRules(SyntaxNode? node, string what, string? state)
    {
        var rules = ImmutableArray.CreateBuilder<EventRule>();
        var unguarded = new HashSet<string>(StringComparer.Ordinal);
        var guards = new Dictionary<string, GuardChecks>(StringComparer.Ordinal);
        var items = scope.List(node, what)?.Items ?? [];
        if (items.Count > Limits.EventRulesMax)
        {
            scope.Report(ContractDiagnostics.TooMany(items[Limits.EventRulesMax].At, $"rules of {what}", Limits.EventRulesMax));
        }

        foreach (var item in items.Take(Limits.EventRulesMax))
        {
            if (scope.Map(item, $"an entry of {what}") is not { } map)
            {
                continue;
            }

            if (expressions.ReportIfSplit(map))
            {
                // The event counts as used and the target as reached, so that only the missing quotes are reported.
                scope.Found.UsedEvents.Add((map.Find("event") as ScalarSyntax)?.Text ?? "");
                scope.TargetFrom(state, map.Find("next"));
                continue;
            }

            scope.CheckKeys(map, Keys.EventRule);
            if (ReadRule(map, what, state) is not { } rule)
            {
                continue;
            }

            if (unguarded.Contains(rule.Event))
            {
                scope.Report(ContractDiagnostics.RuleAfterAlways(map.At, rule.Event));
            }

            if (!guards.TryGetValue(rule.Event, out var checks))
            {
                guards[rule.Event] = checks = new GuardChecks(scope);
            }

            checks.Check(rule.When, map.At);
            if (rule.When is null && !map.Has("when"))
            {
                unguarded.Add(rule.Event);
            }

            rules.Add(rule);
        }

        return rules.ToImmutable();
    }

    /// <summary>A time limit and its target; null if there is none or it is incomplete. The state is null for the deadline.</summary>
    public TimeLimit? ReadLimit(SyntaxNode? node, string what, string? state)
    {
        if (scope.Map(node, what) is not { } map)
        {
            return null;
        }

        scope.CheckKeys(map, Keys.TimeLimit);
        foreach (var missing in Keys.TimeLimit.Known.Where(key => !map.Has(key)))
        {
            scope.Report(
                ContractDiagnostics.MissingKey(map.At, what, missing, $"Write {what.Trim('\'')}: {{ after: 48h, next: some_state }}."));
        }

        var (after, next) = (scope.Duration(map.Find("after")), scope.TargetFrom(state, map.Find("next")));
        return after is { } length && next is not null ? new TimeLimit(length, next) : null;
    }

    private EventRule? ReadRule(MapSyntax map, string what, string? state)
    {
        if (!map.Has("event"))
        {
            scope.Report(ContractDiagnostics.MissingKey(
                map.At, $"an entry of {what}", "event", "Add 'event: some_event', one that 'events' declares."));
        }

        if (scope.Text(map.Find("event"), "'event'") is not { } name)
        {
            return null;
        }

        scope.Found.UsedEvents.Add(name.Text);
        var declared = scope.Declared.Events.GetValueOrDefault(name.Text);
        if (declared is null)
        {
            scope.Report(ContractDiagnostics.UndeclaredEvent(name.At, name.Text, scope.Declared.Events.Keys));
        }

        var stay = map.Find("stay");
        if (stay is not (null or ScalarSyntax { Bool: not null }))
        {
            scope.Report(ContractDiagnostics.WrongType(stay.At, "'stay'", "true or false", stay.Kind));
        }

        // A rule has either `stay: true` or `next`.
        var stays = stay is ScalarSyntax { Bool: true };
        if (stays == map.Has("next"))
        {
            scope.Report(ContractDiagnostics.NextOrStay(map.At, name.Text, hasBoth: stays));
        }

        var place = ExpressionPlace.Rule(declared);
        var when = expressions.Read(map.Find("when"), "'when'", place);
        var set = steps.ReadAssignments(map.Find("set"), "'set'", place);
        var next = scope.TargetFrom(state, map.Find("next"));
        return declared is not null && (stays || next is not null) ? new EventRule(name.Text, when, set, stays ? null : next) : null;
    }
}
