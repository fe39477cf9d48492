using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;
using Onex.Operations;

namespace Onex.Contracts.Compiling;

internal sealed class ScheduleReader(ContractScope scope, TemplateReader templates)
{
    private static readonly TimeSpan _everyMin = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The schedule; null if there is none, or if its times or its input could not be read. <c>schema</c> is the contract's input.
    /// </summary>
    public SchedulePlan? Read(MapSyntax root, JsonSchema? schema, Expression? key)
    {
        if (scope.Map(root.Find("schedule"), "'schedule'") is not { } map)
        {
            return null;
        }

        scope.CheckKeys(map, Keys.Schedule);
        var at = root.KeyAt("schedule");
        if (map.Has("every") == map.Has("cron"))
        {
            scope.Report(ContractDiagnostics.ScheduleTimes(at, hasBoth: map.Has("every")));
        }

        var every = ReadEvery(map.Find("every"));
        var cron = ReadCron(map.Find("cron"));
        var zone = ReadZone(map);
        var overlap = ReadWord(map.Find("overlap"), "'overlap'", ("skip", Overlap.Skip), ("allow", Overlap.Allow));
        var missed = ReadWord(map.Find("missed"), "'missed'", ("latest", MissedTimes.Latest), ("skip", MissedTimes.Skip));
        if (overlap == Overlap.Allow && root.Has("key"))
        {
            scope.Report(ContractDiagnostics.KeysExclude(
                map.KeyAt("overlap"), "a contract", "overlap: allow", "key",
                "The input is always the same, so is the business key, and one saga of a contract lives per key: remove one of them."));
        }

        var input = ReadInput(map, at, schema, key);
        return input is not { } value ? null
            : every is { } time ? SchedulePlan.Create(time, overlap, missed, value)
            : cron is { } times && zone is not null ? SchedulePlan.Create(times.Calendar, times.Text, zone, overlap, missed, value)
            : null;
    }

    private TimeSpan? ReadEvery(SyntaxNode? node)
    {
        var every = scope.Duration(node);
        if (every < _everyMin)
        {
            scope.Report(ContractDiagnostics.ScheduleTooOften(node!.At));
        }

        return every;
    }

    private (CalendarTimes Calendar, string Text)? ReadCron(SyntaxNode? node)
    {
        if (scope.Text(node, "'cron'") is not { } text)
        {
            return null;
        }

        if (CalendarTimes.TryParse(text.Text, out var calendar, out var problem))
        {
            return (calendar, string.Join(' ', text.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
        }

        scope.Report(ContractDiagnostics.BadCron(text.At, text.Text, problem));
        return null;
    }

    private TimeZoneInfo? ReadZone(MapSyntax map)
    {
        if (scope.Text(map.Find("time_zone"), "'time_zone'") is not { } name)
        {
            return TimeZoneInfo.Utc;
        }

        if (map.Has("every"))
        {
            scope.Report(ContractDiagnostics.KeysExclude(
                map.KeyAt("time_zone"), "'schedule'", "every", "time_zone", "Remove 'time_zone': an interval does not depend on it."));
        }

        // .NET opens the zone's file by this name, so the name must not contain '..'.
        if (name.Text.All(character => char.IsAsciiLetterOrDigit(character) || character is '/' or '_' or '-' or '+')
            && TimeZoneInfo.TryFindSystemTimeZoneById(name.Text, out var zone))
        {
            return zone;
        }

        scope.Report(
            ContractDiagnostics.UnknownTimeZone(name.At, name.Text, [.. TimeZoneInfo.GetSystemTimeZones().Select(each => each.Id)]));
        return null;
    }

    private T ReadWord<T>(SyntaxNode? node, string what, params ReadOnlySpan<(string Word, T Value)> words)
    {
        if (scope.Text(node, what) is { } text)
        {
            foreach (var (word, value) in words)
            {
                if (word == text.Text)
                {
                    return value;
                }
            }

            scope.Report(
                ContractDiagnostics.WrongType(text.At, what, $"'{words[0].Word}' or '{words[1].Word}'", $"'{Spelling.Clip(text.Text)}'"));
        }

        return words[0].Value;
    }

    // A scheduled start has no requester to report an invalid input to, so the compiler checks it.
    private CelValue? ReadInput(MapSyntax map, SourceSpan at, JsonSchema? schema, Expression? key)
    {
        var node = map.Find("input");
        var declared = CelValue.Map([]);
        if (node is not null)
        {
            at = node.At;
            var rules = new TemplateRules(ExpressionPlace.Key, "input", ArgumentFilling.Constant);
            declared = templates.Read(node, DataType.Any, rules).Evaluate(new InputScope(declared));
        }

        if (schema is null)
        {
            return null;
        }

        if (schema.Validate(declared, out var input) is [var problem, ..])
        {
            scope.Report(ContractDiagnostics.ScheduleInputWrong(at, problem.ToString()));
        }
        else if (key?.Evaluate(new InputScope(input)) is { } value && value.Kind is not (CelKind.String or CelKind.Int))
        {
            scope.Report(ContractDiagnostics.ScheduleKeyWrong(at, value.IsError ? value.AsError() : $"it is of kind {value.Kind}"));
        }

        return input;
    }

    private sealed class InputScope(CelValue input) : IExpressionScope
    {
        public bool TryGet(string name, out CelValue value)
        {
            value = input;
            return name == "input";
        }
    }
}
