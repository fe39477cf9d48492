using System.Runtime.InteropServices;
using Onex.Contracts.Expressions.Evaluation;
using Onex.Contracts.Expressions.Parsing;
using Onex.Contracts.Text;

namespace Onex.Contracts.Expressions.Checking;

/// <summary>
/// Determines the types of an expression and its estimated cost. After a problem the type is dyn, so a mistake is reported once. An
/// instance checks one expression.
/// </summary>
/// <param name="roots">Returns the type of a name; null if it is unknown.</param>
/// <param name="isStrict">Whether to report problems that only some values cause, too.</param>
internal sealed class Checker(Func<string, CelType?> roots, bool isStrict)
{
    // Suggestions are expensive, so their number is limited.
    private const int UnknownFieldsMax = 50;

    private readonly List<CheckProblem> _problems = [];
    private readonly List<(string Name, CelType Type)> _variables = [];
    private readonly List<string> _names = [];
    private readonly List<string> _present = [];
    private readonly List<string> _notNull = [];
    private int _unknownFields;

    public CheckedExpression Check(Syntax syntax)
    {
        var found = Visit(syntax);
        return new CheckedExpression(found.Type, found.Cost, _problems);
    }

    // A path that was compared with null has the type without null where it cannot be null.
    private Found Visit(Syntax syntax)
    {
        var found = VisitAny(syntax);
        return found.Type is CelType.Nullable { Value: var value } && Presence.Chain(syntax) is { } chain && _notNull.Contains(chain)
            ? found with { Type = value }
            : found;
    }

    private Found VisitAny(Syntax syntax) => syntax switch
    {
        LiteralSyntax literal => new(OfValue(literal.Value), 0),
        NameSyntax name => new(Noted(name, CelType.Null, OfName(name)), 1),
        SelectSyntax select => Select(select, guarded: select.Optional),
        HasSyntax has => new(CelType.Bool, Select(has.Select, guarded: true).Cost),
        IndexSyntax index => Index(index),
        CallSyntax call => Call(call),
        UnarySyntax unary => Unary(unary),
        BinarySyntax binary => Binary(binary),
        LogicSyntax logic => Logic(logic),
        ConditionalSyntax conditional => Conditional(conditional),
        ListSyntax list => List(list),
        MapSyntax map => Map(map),
        _ => Comprehension((ComprehensionSyntax)syntax),
    };

    private static CelType.Basic OfValue(CelValue value) => value.Kind switch
    {
        CelKind.String => new CelType.Basic(CelKind.String, value.AsString().Length),
        _ => new CelType.Basic(value.Kind),
    };

    private CelType OfName(NameSyntax name)
    {
        var variable = name.FromRoot ? -1 : _variables.FindLastIndex(variable => variable.Name == name.Name);
        return variable >= 0 ? _variables[variable].Type
            : roots(name.Name) is { } type ? type
            : CelTypes.IsTypeName(name.Name) ? CelType.Type
            : CelType.Dyn;
    }

    private Found Select(SelectSyntax select, bool guarded)
    {
        _names.Clear();
        _names.AddRange(_variables.Select(variable => variable.Name));
        if (Paths.TypeOf(select, _names) is not null)
        {
            return new(CelType.Type, 1);
        }

        var operand = Visit(select.Operand);
        return new(Field(select, operand.Type, select.Field, guarded, select.Optional), operand.Cost + 1);
    }

    // The type of `.field`, `.?field` and `['field']`.
    private CelType Field(Syntax at, CelType operand, string field, bool guarded, bool optional)
    {
        switch (operand.Plain)
        {
            case CelType.OptionalOf of:
                // A selection from an optional is one level of optional, however many there were.
                return Wrapped(Field(at, of.Value, field, guarded: true, optional: false), of.Value is not CelType.OptionalOf);
            case CelType.ObjectOf of when of.Shape.Find(field) is { } type:
                NoteMissing(at, of.Shape, field, guarded || optional);
                return Wrapped(Noted(at, operand, type), optional);
            case CelType.ObjectOf of:
                return Wrapped(ReportField(at, field, of.Shape, guarded) ? CelType.Dyn : Noted(at, operand, CelType.Dyn), optional);
            case CelType.MapOf map when TypeRules.Fits(CelType.Text, map.Key):
                return Wrapped(Noted(at, operand, map.Value), optional);
            case var other when other.IsDyn:
                return Wrapped(CelType.Dyn, optional);
            default:
                Report(
                    at, $"{operand} has no fields, so that '.{Spelling.Clip(field)}' cannot be read",
                    operand.Plain is CelType.ListOf or CelType.Basic { Kind: CelKind.String or CelKind.Bytes }
                        && Spelling.Nearest(field, ["size"]) is { } size
                        ? $"did you mean '{size}(...)'?" : "read a field of an object or a map");
                return CelType.Dyn;
        }
    }

    private static CelType Wrapped(CelType type, bool optional) => optional ? new CelType.OptionalOf(type) : type;

    private Found Index(IndexSyntax syntax)
    {
        var (operand, index) = (Visit(syntax.Operand), Visit(syntax.Index));
        var type = operand.Type;
        var optional = syntax.Optional;
        while (type.Plain is CelType.OptionalOf of)
        {
            (type, optional) = (of.Value, true);
        }

        return new(Wrapped(At(syntax, type.Plain, index.Type, optional), optional), operand.Cost + index.Cost + 1
            + (SizeOf(index.Type) / 64));
    }

    private CelType At(IndexSyntax syntax, CelType operand, CelType index, bool optional)
    {
        switch (operand)
        {
            case CelType.ObjectOf when syntax.Index is LiteralSyntax { Value.Kind: CelKind.String } literal:
                return Field(syntax, operand, literal.Value.AsString(), guarded: optional, optional: false);
            case CelType.ObjectOf when TypeRules.Fits(index, CelType.Text):
                return CelType.Dyn;
            case CelType.MapOf map when TypeRules.Fits(index, map.Key) || (index.Plain.IsNumber && map.Key.IsNumber):
                return Noted(syntax, operand, map.Value);
            case CelType.ListOf list when TypeRules.Fits(index, CelType.Int):
                return Noted(syntax, operand, list.Item);
            case var other when other.IsDyn:
                return CelType.Dyn;
            default:
                Report(
                    syntax,
                    $"{operand} has no index of type {index}",
                    operand is CelType.ListOf ? "write a whole number: list[0]" : operand is CelType.ObjectOf
                        ? "write a name: object['name']" : "index a list or a map");
                return CelType.Dyn;
        }
    }

    private Found Call(CallSyntax call)
    {
        var arguments = call.Arguments.Select(Visit).ToArray();
        var cost = 1 + arguments.Length + arguments.Sum(argument => argument.Cost);
        if (call.Function is not { } function)
        {
            return new(CelType.Dyn, cost);
        }

        var types = arguments.Select(argument => argument.Type).ToArray();
        var type = Apply(function.Signatures, types);
        if (type is null)
        {
            var accepted = function.Signatures.Select(signature => signature.Arguments).Distinct(StringComparer.Ordinal);
            Report(call, $"'{function.Name}' does not accept {Listed(types)}", $"it takes {string.Join(" or ", accepted)}");
            return new(CelType.Dyn, cost);
        }

        // `optional.ofNonZeroValue` never contains null.
        if (type is CelType.OptionalOf { Value: CelType.Nullable { Value: var inner } } && function.Name == "optional.ofNonZeroValue")
        {
            type = new CelType.OptionalOf(inner);
        }

        // Processing a text or a list costs by its size.
        return new(type, cost + types.Sum(argument => argument.Plain is CelType.ListOf ? SizeOf(argument) : SizeOf(argument) / 8));
    }

    private Found Unary(UnarySyntax unary)
    {
        var operand = Visit(unary.Operand);
        var type = operand.Type.Plain;
        var taken = type.IsDyn || (unary.Operator == '!' ? type == CelType.Bool : type == CelType.Int || type == CelType.Double);
        if (!taken)
        {
            Report(unary, $"'{unary.Operator}' does not accept {operand.Type}", unary.Operator == '!' ? "it takes a bool: compare the value"
                : "it takes an int or a double");
        }

        return new(unary.Operator == '!' ? CelType.Bool : taken ? type : CelType.Dyn, operand.Cost + 1);
    }

    private Found Binary(BinarySyntax binary)
    {
        var (left, right) = (Visit(binary.Left), Visit(binary.Right));
        var type = Apply(OperatorSignatures.For(binary.Operator), [left.Type, right.Type]);
        if (type is null)
        {
            Report(binary, $"'{binary.Operator}' does not accept {left.Type} and {right.Type}",
                Advice(binary, left.Type.Plain, right.Type.Plain));
            type = binary.Operator is "==" or "!=" or "<" or "<=" or ">" or ">=" or "in" ? CelType.Bool : CelType.Dyn;
        }

        return new(Sized(binary.Operator, type, left.Type, right.Type), left.Cost + right.Cost + 1
            + Work(binary.Operator, left.Type, right.Type));
    }

    private static double Work(string symbol, CelType left, CelType right) => symbol switch
    {
        "in" => right.Plain is CelType.ListOf ? SizeOf(right) : 1,
        "+" when left.Plain is CelType.ListOf => SizeOf(left) + SizeOf(right),
        "+" => (SizeOf(left) + SizeOf(right)) / 8,
        _ when left.Plain is CelType.ListOf or CelType.MapOf or CelType.ObjectOf => Math.Min(SizeOf(left), SizeOf(right)),
        _ => Math.Min(SizeOf(left), SizeOf(right)) / 64,
    };

    private static CelType Sized(string symbol, CelType type, CelType left, CelType right) => (symbol, type) switch
    {
        ("+", CelType.ListOf list) => list with { Most = (long)(SizeOf(left) + SizeOf(right)) },
        ("+", CelType.Basic { Kind: CelKind.String } text) => text with { Most = (long)(SizeOf(left) + SizeOf(right)) },
        _ => type,
    };

    private static string Advice(BinarySyntax binary, CelType left, CelType right)
    {
        if (left.IsNumber && right.IsNumber)
        {
            return binary.Operator == "%" ? "'%' is of whole numbers: convert with int(...)"
                : binary.Right is LiteralSyntax { Value.Kind: CelKind.Int } whole && left == CelType.Double ? $"write {whole.Value}.0"
                : binary.Left is LiteralSyntax { Value.Kind: CelKind.Int } first && right == CelType.Double ? $"write {first.Value}.0"
                : "numbers of different types do not mix: convert one with "
                    + $"{(left == CelType.Double || right == CelType.Double ? "double" : "int")}(...)";
        }

        if (left == CelType.Null || right == CelType.Null)
        {
            return "a value of that type is never null; test with has(...) whether a field is present";
        }

        return binary.Operator == "+" && (left is CelType.Basic { Kind: CelKind.String } || right is CelType.Basic { Kind: CelKind.String })
            ? "convert the other with string(...)"
            : binary.Operator == "in" ? "the right side of 'in' must be a list or a map of such values"
            : "convert one of them, or correct the name";
    }

    private Found Logic(LogicSyntax logic)
    {
        var cost = 0.0;
        var known = Know(logic.Operands.SelectMany(operand => Presence.Tested(operand, logic.IsAnd)));
        foreach (var operand in logic.Operands)
        {
            var found = Visit(operand);
            cost += found.Cost + 1;
            ExpectBool(operand, found.Type, logic.IsAnd ? "'&&'" : "'||'");
        }

        Truncate(known);

        return new(CelType.Bool, cost);
    }

    private Found Conditional(ConditionalSyntax conditional)
    {
        var condition = Visit(conditional.Condition);
        ExpectBool(conditional.Condition, condition.Type, "'?:'");
        var (then, otherwise) = (Knowing(conditional.Condition, true, conditional.Then),
            Knowing(conditional.Condition, false, conditional.Else));
        var type = TypeRules.Common(then.Type, otherwise.Type);
        if (type is null)
        {
            Report(conditional, $"'?:' gives {then.Type} or {otherwise.Type}",
                "let both sides have one type, or write dyn(...) around one of them");
        }

        return new(type ?? CelType.Dyn, condition.Cost + Math.Max(then.Cost, otherwise.Cost) + 1);
    }

    private Found List(ListSyntax list)
    {
        var item = CelType.Nothing;
        var cost = 1.0 + list.Items.Length;
        foreach (var (syntax, optional) in list.Items)
        {
            var found = Visit(syntax);
            item = TypeRules.Common(item, optional ? Inner(syntax, found.Type) : found.Type) ?? CelType.Dyn;
            cost += found.Cost;
        }

        return new(new CelType.ListOf(item, list.Items.Length), cost);
    }

    private Found Map(MapSyntax map)
    {
        var (key, value) = (CelType.Nothing, CelType.Nothing);
        var cost = 1.0 + (4 * map.Entries.Length);
        foreach (var entry in map.Entries)
        {
            var (foundKey, foundValue) = (Visit(entry.Key), Visit(entry.Value));
            if (foundKey.Type.Plain is not (CelType.DynType or CelType.NothingType
                or CelType.Basic { Kind: CelKind.String or CelKind.Int or CelKind.Uint or CelKind.Bool }))
            {
                Report(entry.Key, $"{foundKey.Type} is not a valid map key", "keys are strings, ints, uints and bools");
            }

            key = TypeRules.Common(key, foundKey.Type) ?? CelType.Dyn;
            value = TypeRules.Common(value, entry.Optional ? Inner(entry.Value, foundValue.Type) : foundValue.Type) ?? CelType.Dyn;
            cost += foundKey.Cost + foundValue.Cost;
        }

        return new(new CelType.MapOf(key, value), cost);
    }

    private CelType Inner(Syntax at, CelType type)
    {
        if (type is CelType.OptionalOf optional)
        {
            return optional.Value;
        }

        if (!type.IsDyn)
        {
            Report(at, $"after '?' an optional is required, not {type}", "leave '?' out, or write optional.of(...)");
        }

        return CelType.Dyn;
    }

    private Found Comprehension(ComprehensionSyntax syntax)
    {
        var range = Visit(syntax.Range);
        if (syntax.Kind is ComprehensionKind.OptMap or ComprehensionKind.OptFlatMap)
        {
            return OfOptional(syntax, range);
        }

        var item = range.Type.Plain switch
        {
            CelType.ListOf list => list.Item,
            CelType.MapOf map => map.Key,
            CelType.ObjectOf => CelType.Text,
            _ => CelType.Dyn,
        };
        if (item.IsDyn && !range.Type.Plain.IsDyn && range.Type.Plain is not (CelType.ListOf or CelType.MapOf))
        {
            Report(syntax.Range, $"{range.Type} has no items", "macros go over a list or the keys of a map");
        }

        if (item is CelType.DynType && !range.Type.Plain.IsDyn)
        {
            Note(CheckProblemKind.Dynamic, syntax.Range, "the items of " + (Presence.Chain(syntax.Range) is { } of ? $"'{of}'" : "this"));
        }

        _variables.Add((syntax.Variable, item));
        var condition = syntax.Condition is null ? default : Visit(syntax.Condition);
        if (syntax.Condition is not null)
        {
            ExpectBool(syntax.Condition, condition.Type, "the condition of a macro");
        }

        var body = syntax.Body is null ? new Found(item, 0) : Visit(syntax.Body);
        _variables.RemoveAt(_variables.Count - 1);
        var count = SizeOf(range.Type);
        var makes = syntax.Kind is ComprehensionKind.Map or ComprehensionKind.Filter;
        return new(
            makes ? new CelType.ListOf(body.Type, (long)count) : CelType.Bool,
            range.Cost + (count * ((makes ? 2 : 1) + condition.Cost + body.Cost)));
    }

    private Found OfOptional(ComprehensionSyntax syntax, Found range)
    {
        if (range.Type is not CelType.OptionalOf && !range.Type.IsDyn)
        {
            Report(syntax.Range, $"{range.Type} is not an optional", "write optional.of(...), or read the field with .?");
        }

        _variables.Add((syntax.Variable, (range.Type as CelType.OptionalOf)?.Value ?? CelType.Dyn));
        var body = Visit(syntax.Body!);
        _variables.RemoveAt(_variables.Count - 1);
        return new(
            new CelType.OptionalOf(syntax.Kind == ComprehensionKind.OptMap ? body.Type : Inner(syntax.Body!, body.Type)),
            range.Cost + body.Cost + 2);
    }

    private void ExpectBool(Syntax at, CelType type, string what)
    {
        if (!TypeRules.Fits(type, CelType.Bool))
        {
            Report(at, $"{what} takes a bool, not {type}", "compare the value: value != \"\", value > 0");
        }
    }

    // The common type of the matching overloads; dyn if they differ.
    private static CelType? Apply(IReadOnlyList<Signature> signatures, ReadOnlySpan<CelType> arguments)
    {
        CelType? result = null;
        foreach (var signature in signatures)
        {
            if (signature.Apply(arguments) is { } type)
            {
                result = result is null ? type : result == type ? result : CelType.Dyn;
            }
        }

        return result;
    }

    /// <summary>The known or assumed number of items, entries or characters.</summary>
    private static double SizeOf(CelType type) => type.Plain switch
    {
        CelType.ListOf list => list.Most ?? ExpressionLimits.ItemsAssumed,
        CelType.Basic { Kind: CelKind.String or CelKind.Bytes } text => text.Most ?? ExpressionLimits.CharactersAssumed,
        CelType.ObjectOf of => Math.Max(1, of.Shape.Names.Count),
        CelType.MapOf or CelType.DynType => ExpressionLimits.ItemsAssumed,
        _ => 1,
    };

    private static string Listed(ReadOnlySpan<CelType> types)
    {
        var text = new List<string>();
        foreach (var type in types)
        {
            text.Add(type.ToString());
        }

        return text.Count == 0 ? "nothing" : string.Join(" and ", text);
    }

    private bool ReportField(Syntax at, string field, ObjectShape shape, bool guarded)
    {
        if (++_unknownFields > UnknownFieldsMax)
        {
            return false;
        }

        var names = shape.Names;
        var nearest = Spelling.Nearest(field, names);
        if (!shape.IsClosed && (guarded || nearest is null))
        {
            return false;
        }

        var (position, length) = PlaceOf(at);
        var place = new ExpressionProblem(
            position,
            length,
            $"{(Written(at) is { } path ? $"'{path}'" : "this")} has no field '{Spelling.Clip(field)}'",
            Spelling.Suggest(field, "fields", names));
        _problems.Add(new CheckProblem(shape.IsClosed ? CheckProblemKind.UnknownField : CheckProblemKind.DoubtfulField, RootOf(at), place)
        {
            IsOfRoot = at is SelectSyntax { Operand: NameSyntax } or IndexSyntax { Operand: NameSyntax },
        });
        return true;
    }

    // Marks only the field if it is written plainly.
    private static (int Position, int Length) PlaceOf(Syntax at) =>
        at is SelectSyntax select ? (select.End - select.Field.Length, select.Field.Length) : (at.Position, at.Length);

    // Reports the first unknown type of a path only; what is below it is a consequence.
    private CelType Noted(Syntax at, CelType of, CelType type)
    {
        if (isStrict && type is CelType.DynType && !of.Plain.IsDyn)
        {
            Note(CheckProblemKind.Dynamic, at, Presence.Chain(at) is { } chain ? $"'{chain}'" : "this value");
        }

        return type;
    }

    private void NoteMissing(Syntax at, ObjectShape shape, string field, bool guarded)
    {
        if (isStrict && !guarded && shape.MayLack(field) && !(Presence.Chain(at) is { } chain && _present.Contains(chain)))
        {
            Note(CheckProblemKind.MaybeMissing, at, Presence.Chain(at) ?? field);
        }
    }

    private void Note(CheckProblemKind kind, Syntax at, string what)
    {
        if (isStrict)
        {
            var (position, length) = PlaceOf(at);
            _problems.Add(new CheckProblem(kind, RootOf(at), new ExpressionProblem(position, Math.Max(1, length), what, "")));
        }
    }

    private Found Knowing(Syntax condition, bool holds, Syntax syntax)
    {
        var known = Know(Presence.Tested(condition, holds));
        var notNull = _notNull.Count;
        _notNull.AddRange(Presence.NotNull(condition, holds));
        var found = Visit(syntax);
        _notNull.RemoveRange(notNull, _notNull.Count - notNull);
        Truncate(known);
        return found;
    }

    private int Know(IEnumerable<string> chains)
    {
        var known = _present.Count;
        if (isStrict)
        {
            _present.AddRange(chains);
        }

        return known;
    }

    private void Truncate(int known) => _present.RemoveRange(known, _present.Count - known);

    // The path from which the field is read: input.items.
    private static string? Written(Syntax at) => at switch
    {
        SelectSyntax select => Presence.Chain(select.Operand),
        IndexSyntax index => Presence.Chain(index.Operand),
        _ => null,
    };

    private string? RootOf(Syntax syntax)
    {
        while (true)
        {
            switch (syntax)
            {
                case SelectSyntax select:
                    syntax = select.Operand;
                    continue;
                case IndexSyntax { Index: LiteralSyntax { Value.Kind: CelKind.String } } index:
                    syntax = index.Operand;
                    continue;
                case NameSyntax name when name.FromRoot || !_variables.Exists(variable => variable.Name == name.Name):
                    return name.Name;
                default:
                    return null;
            }
        }
    }

    private void Report(Syntax at, string problem, string remedy) =>
        _problems.Add(
            new CheckProblem(CheckProblemKind.NoOverload, null,
            new ExpressionProblem(at.Position, Math.Max(1, at.Length), problem, remedy)));

    /// <summary>The type of an expression and its estimated cost.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Found(CelType Type, double Cost);
}
