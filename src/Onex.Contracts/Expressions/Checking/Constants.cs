using System.Globalization;
using System.Text.RegularExpressions;
using Onex.Contracts.Expressions.Evaluation;
using Onex.Contracts.Expressions.Parsing;
using Onex.Contracts.Text;

namespace Onex.Contracts.Expressions.Checking;

/// <summary>
/// Finds parts that always fail: constant ones by evaluating them (<c>duration('3d')</c>), others by a constant divisor or time zone. A
/// constant part is not reported if a constant operand absorbs its error, as in <c>true || 1 / 0 == 1</c>.
/// </summary>
internal static partial class Constants
{
    /// <summary>The smallest parts that always fail.</summary>
    public static IEnumerable<ExpressionProblem> Problems(Syntax syntax)
    {
        if (!IsConstant(syntax, []))
        {
            return (UnknownZone(syntax) ?? DivisionByZero(syntax)) is { } problem ? [problem] : Children(syntax).SelectMany(Problems);
        }

        if (syntax is LiteralSyntax || Evaluate(syntax) is not { IsError: true } failure || failure == Failures.Budget)
        {
            return [];
        }

        var inner = Children(syntax).SelectMany(Problems).ToList();
        return inner.Count > 0 ? inner : [Describe(syntax, failure.AsError())];
    }

    private static bool IsConstant(Syntax syntax, IReadOnlyList<string> variables) => syntax switch
    {
        NameSyntax name => (!name.FromRoot && variables.Contains(name.Name)) || CelTypes.IsTypeName(name.Name),
        CallSyntax { Function: null } => false,
        ComprehensionSyntax each => IsConstant(each.Range, variables)
            && Children(each).Skip(1).All(part => IsConstant(part, [.. variables, each.Variable])),
        _ => Children(syntax).All(child => IsConstant(child, variables)),
    };

    /// <summary>The direct operands.</summary>
    internal static IEnumerable<Syntax> Children(Syntax syntax) => syntax switch
    {
        SelectSyntax select => [select.Operand],
        HasSyntax has => [has.Select.Operand],
        IndexSyntax index => [index.Operand, index.Index],
        CallSyntax call => call.Arguments,
        UnarySyntax unary => [unary.Operand],
        BinarySyntax binary => [binary.Left, binary.Right],
        LogicSyntax logic => logic.Operands,
        ConditionalSyntax conditional => [conditional.Condition, conditional.Then, conditional.Else],
        ListSyntax list => list.Items.Select(item => item.Item),
        MapSyntax map => map.Entries.SelectMany(entry => (Syntax[])[entry.Key, entry.Value]),
        ComprehensionSyntax each => new[] { each.Range, each.Condition, each.Body }.OfType<Syntax>(),
        _ => [],
    };

    private static CelValue Evaluate(Syntax syntax)
    {
        var compiler = new Evaluation.Compiler();
        var code = compiler.Compile(syntax);
        var frame = new Frame(NoScope.Instance, new CelValue[compiler.LocalsMax], ExpressionLimits.Budget);
        var value = code(ref frame);
        return frame.BudgetLeft < 0 ? Failures.Budget : value;
    }

    private static ExpressionProblem Describe(Syntax syntax, string failure) => syntax switch
    {
        CallSyntax { Name: "duration", Arguments: [LiteralSyntax { Value.Kind: CelKind.String } text] } =>
            At(text, failure, DurationInHours(text.Value.AsString()) ?? "write it as '1h30m', '1.5s' or '250ms'; the longest is 292 years"),
        CallSyntax { Name: "timestamp", Arguments: [LiteralSyntax { Value.Kind: CelKind.String } text] } =>
            At(text, failure, "write it as '2030-01-31T12:00:00Z', with a day that there is"),
        CallSyntax { Name: "int" or "uint" or "double" or "bool", Arguments: [LiteralSyntax text] } call =>
            At(text, failure, call.Name == "bool" ? "write true or false"
                : $"write a number that {(call.Name == "int" ? "an" : "a")} {call.Name} can be"),
        BinarySyntax { Operator: "/" or "%" } division => At(division.Right, failure, "divide by another number"),
        IndexSyntax index => At(index.Index, failure, "the first item of a list is [0]; a key that may be missing is read with [?...]"),
        CallSyntax call when UnknownZone(call) is { } zone => zone,
        _ => At(syntax, failure, "it fails whenever it is evaluated: change it"),
    };

    // A constant time zone that does not exist fails for every time.
    private static ExpressionProblem? UnknownZone(Syntax syntax)
    {
        if (syntax is not CallSyntax { Arguments: [_, LiteralSyntax { Value.Kind: CelKind.String } literal] } call
            || !call.Name.StartsWith("get", StringComparison.Ordinal)
            || CelTime.WallSeconds(CelValue.Timestamp(0, 0), literal.Value.AsString()) is not null)
        {
            return null;
        }

        var name = literal.Value.AsString();
        var nearest = Spelling.Nearest(name, [.. TimeZoneInfo.GetSystemTimeZones().Select(zone => zone.Id)]);
        return At(
            literal, $"there is no time zone '{Spelling.Clip(name)}'",
            $"{(nearest is null ? "" : $"did you mean '{nearest}'? ")}Write a name of the IANA database, 'Europe/Zurich', or an offset, "
                + "'+01:00'");
    }

    // A division by the constant 0 fails for every int. A double divided by 0.0 is infinity.
    private static ExpressionProblem? DivisionByZero(Syntax syntax) =>
        syntax is BinarySyntax { Operator: "/" or "%", Right: LiteralSyntax { Value: var divisor } literal }
            && (divisor == CelValue.Int(0) && divisor.Kind is CelKind.Int or CelKind.Uint)
            ? At(literal, "division by zero", "divide by another number")
            : null;

    // Suggests hours for a duration with days, as if each had 24 hours. CEL has no days in durations, because a day may have 23 hours.
    private static string? DurationInHours(string text)
    {
        var hours = DayPart().Replace(text,
            day => string.Create(CultureInfo.InvariantCulture,
            $"{long.Parse(day.Groups["days"].ValueSpan, CultureInfo.InvariantCulture) * 24}h"));
        if (hours == text || CelTime.ParseDuration(hours) is not { } duration)
        {
            return null;
        }

        var whole = duration.Nanos == 0 && duration.Bits % 3600 == 0;
        return "days have no fixed length there: write "
            + $"'{(whole ? string.Create(CultureInfo.InvariantCulture, $"{duration.Bits / 3600}h") : hours)}'";
    }

    private static ExpressionProblem At(Syntax at, string problem, string remedy) =>
        new(at.Position, Math.Max(1, at.Length), problem, remedy);

    [GeneratedRegex("(?<days>[0-9]{1,6})d", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex DayPart();

    private sealed class NoScope : IExpressionScope
    {
        public static NoScope Instance { get; } = new();

        public bool TryGet(string name, out CelValue value)
        {
            value = default;
            return false;
        }
    }
}
