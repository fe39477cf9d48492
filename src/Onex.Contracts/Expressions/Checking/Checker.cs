using System.Runtime.InteropServices;
using Onex.Contracts.Expressions.Evaluation;
using Onex.Contracts.Expressions.Parsing;
using Onex.Contracts.Text;

namespace Onex.Contracts.Expressions.Checking;

/// <summary>
/// Determines the types of an expression and its estimated cost. A part with a problem has the type dyn, or bool if its operator gives no
/// other, so that the problem is reported once. An instance checks one expression.
/// </summary>
/// <param name="roots">Returns the type of a name; null if it is unknown.</param>
/// <param name="isStrict">Whether to report also problems that only some values cause.</param>
internal sealed class Checker(Func<string, CelType?> roots, bool isStrict)
{
    // For an undeclared field a similar name is searched, which is expensive, so only the first ones are examined.
    private const int UnknownFieldsMax = 50;

    private readonly List<CheckProblem> _problems = [];
    private readonly List<(string Name, CelType Type)> _variables = [];
    private readonly List<string> _names = [];

    // The paths that conditions around or beside the visited part show to exist (strict checks only), and not to be null.
    private readonly List<string> _present = [];
    private readonly List<string> _notNull = [];
    private int _unknownFields;

    public CheckedExpression Check(Syntax syntax)
    {
        var found = Visit(syntax);
        return new CheckedExpression(found.Type, found.Cost, _problems);
    }

    // Where a comparison has excluded null, a path has its type without null.
    private TypeAndCost Visit(Syntax syntax)
    {
        var found = VisitAny(syntax);
        return found.Type is CelType.Nullable { Value: var value } && Presence.Chain(syntax) is { } chain && _notNull.Contains(chain)
            ? found with { Type = value }
            : found;
    }

    private TypeAndCost VisitAny(Syntax syntax) => syntax switch
    {
        LiteralSyntax literal => new(CelType.ForConstant(literal.Value), 0),
        NameSyntax name => new(ReportIfDyn(name, CelType.Null, TypeOfName(name)), 1),
        SelectSyntax select => VisitSelect(select, guarded: select.Optional),
        HasSyntax has => new(CelType.Bool, VisitSelect(has.Select, guarded: true).Cost),
        IndexSyntax index => VisitIndex(index),
        CallSyntax call => VisitCall(call),
        UnarySyntax unary => VisitUnary(unary),
        BinarySyntax binary => VisitBinary(binary),
        LogicSyntax logic => VisitLogic(logic),
        ConditionalSyntax conditional => VisitConditional(conditional),
        ListSyntax list => VisitList(list),
        MapSyntax map => VisitMap(map),
        _ => VisitComprehension((ComprehensionSyntax)syntax),
    };

    private CelType TypeOfName(NameSyntax name)
    {
        var variable = name.FromRoot ? -1 : _variables.FindLastIndex(variable => variable.Name == name.Name);
        return variable >= 0 ? _variables[variable].Type
            : roots(name.Name) is { } type ? type
            : CelTypes.IsTypeName(name.Name) ? CelType.Type
            : CelType.Dyn;
    }

    private TypeAndCost VisitSelect(SelectSyntax select, bool guarded)
    {
        _names.Clear();
        _names.AddRange(_variables.Select(variable => variable.Name));
        if (Paths.TypeOf(select, _names) is not null)
        {
            return new(CelType.Type, 1);
        }

        var operand = Visit(select.Operand);
        return new(FieldType(select, operand.Type, select.Field, guarded, select.Optional), operand.Cost + 1);
    }

    // The type of `.field`, `.?field` and `['field']`.
    private CelType FieldType(Syntax at, CelType operand, string field, bool guarded, bool optional)
    {
        switch (operand.Plain)
        {
            case CelType.OptionalOf outer:
                // A field of an optional, or of an optional in an optional, has one level of optional.
                return OptionalIf(FieldType(at, outer.Value, field, guarded: true, optional: false), outer.Value is not CelType.OptionalOf);
            case CelType.ObjectOf declared when declared.Shape.Find(field) is { } type:
                ReportIfMayLack(at, declared.Shape, field, guarded || optional);
                return OptionalIf(ReportIfDyn(at, operand, type), optional);
            case CelType.ObjectOf other:
                var isReported = ReportUnknownField(at, field, other.Shape, guarded);
                return OptionalIf(isReported ? CelType.Dyn : ReportIfDyn(at, operand, CelType.Dyn), optional);
            case CelType.MapOf map when TypeRules.Fits(CelType.Text, map.Key):
                return OptionalIf(ReportIfDyn(at, operand, map.Value), optional);
            case { IsDyn: true }:
                return OptionalIf(CelType.Dyn, optional);
            default:
                Report(
                    at, $"{operand} has no fields, so that '.{Spelling.Clip(field)}' cannot be read",
                    operand.Plain is CelType.ListOf or CelType.Basic { Kind: CelKind.String or CelKind.Bytes }
                        && Spelling.Nearest(field, ["size"]) is { } size
                        ? $"did you mean '{size}(...)'?" : "read a field of an object or a map");
                return CelType.Dyn;
        }
    }

    private static CelType OptionalIf(CelType type, bool isOptional) => isOptional ? new CelType.OptionalOf(type) : type;

    private TypeAndCost VisitIndex(IndexSyntax syntax)
    {
        var (operand, index) = (Visit(syntax.Operand), Visit(syntax.Index));
        var type = operand.Type;
        var optional = syntax.Optional;
        while (type.Plain is CelType.OptionalOf outer)
        {
            (type, optional) = (outer.Value, true);
        }

        return new(
            OptionalIf(ElementType(syntax, type.Plain, index.Type, optional), optional),
            operand.Cost + index.Cost + 1 + (SizeOf(index.Type) / ExpressionLimits.ComparedPerUnit));
    }

    private CelType ElementType(IndexSyntax syntax, CelType operand, CelType index, bool optional)
    {
        switch (operand)
        {
            case CelType.ObjectOf when syntax.Index is LiteralSyntax { Value.Kind: CelKind.String } literal:
                return FieldType(syntax, operand, literal.Value.AsString(), guarded: optional, optional: false);
            case CelType.ObjectOf when TypeRules.Fits(index, CelType.Text):
                return CelType.Dyn;
            case CelType.MapOf map when TypeRules.Fits(index, map.Key) || (index.Plain.IsNumber && map.Key.IsNumber):
                return ReportIfDyn(syntax, operand, map.Value);
            case CelType.ListOf list when TypeRules.Fits(index, CelType.Int):
                return ReportIfDyn(syntax, operand, list.Item);
            case { IsDyn: true }:
                return CelType.Dyn;
            default:
                Report(
                    syntax,
                    $"{operand} has no index of type {index}",
                    operand is CelType.ListOf ? "write a whole number: list[0]"
                        : operand is CelType.ObjectOf ? "write a name: object['name']"
                        : "index a list or a map");
                return CelType.Dyn;
        }
    }

    private TypeAndCost VisitCall(CallSyntax call)
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

        // A function processes its arguments, so its cost grows with their size.
        return new(type, cost + types.Sum(argument =>
            argument.Plain is CelType.ListOf ? SizeOf(argument) : SizeOf(argument) / ExpressionLimits.CreatedPerUnit));
    }

    private TypeAndCost VisitUnary(UnarySyntax unary)
    {
        var operand = Visit(unary.Operand);
        var type = operand.Type.Plain;
        var accepts = type.IsDyn || (unary.Operator == '!' ? type == CelType.Bool : type == CelType.Int || type == CelType.Double);
        if (!accepts)
        {
            Report(unary, $"'{unary.Operator}' does not accept {operand.Type}", unary.Operator == '!' ? "it takes a bool: compare the value"
                : "it takes an int or a double");
        }

        return new(unary.Operator == '!' ? CelType.Bool : accepts ? type : CelType.Dyn, operand.Cost + 1);
    }

    private TypeAndCost VisitBinary(BinarySyntax binary)
    {
        var (left, right) = (Visit(binary.Left), Visit(binary.Right));
        var type = Apply(OperatorSignatures.For(binary.Operator), [left.Type, right.Type]);
        if (type is null)
        {
            Report(binary, $"'{binary.Operator}' does not accept {left.Type} and {right.Type}",
                Advice(binary, left.Type.Plain, right.Type.Plain));
            type = binary.Operator is "==" or "!=" or "<" or "<=" or ">" or ">=" or "in" ? CelType.Bool : CelType.Dyn;
        }

        return new(
            WithSize(binary.Operator, type, left.Type, right.Type),
            left.Cost + right.Cost + 1 + OperatorCost(binary.Operator, left.Type, right.Type));
    }

    private static double OperatorCost(string symbol, CelType left, CelType right) => symbol switch
    {
        "in" => right.Plain is CelType.ListOf ? SizeOf(right) : 1,
        "+" when left.Plain is CelType.ListOf => SizeOf(left) + SizeOf(right),
        "+" => (SizeOf(left) + SizeOf(right)) / ExpressionLimits.CreatedPerUnit,
        _ when left.Plain is CelType.ListOf or CelType.MapOf or CelType.ObjectOf => Math.Min(SizeOf(left), SizeOf(right)),
        _ => Math.Min(SizeOf(left), SizeOf(right)) / ExpressionLimits.ComparedPerUnit,
    };

    private static CelType WithSize(string symbol, CelType type, CelType left, CelType right) => (symbol, type) switch
    {
        ("+", CelType.ListOf list) =>
            list with { Size = (long)(SizeOf(left) + SizeOf(right)), IsSizeAssumed = !IsBounded(left) || !IsBounded(right) },
        ("+", CelType.Basic { Kind: CelKind.String } text) => text with { Size = (long)(SizeOf(left) + SizeOf(right)) },
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

    private TypeAndCost VisitLogic(LogicSyntax logic)
    {
        var cost = 0.0;
        var presentBefore = AddPresent(logic.Operands.SelectMany(operand => Presence.Tested(operand, logic.IsAnd)));
        foreach (var operand in logic.Operands)
        {
            var found = Visit(operand);
            cost += found.Cost + 1;
            ExpectBool(operand, found.Type, logic.IsAnd ? "'&&'" : "'||'");
        }

        RemovePresentAfter(presentBefore);
        return new(CelType.Bool, cost);
    }

    private TypeAndCost VisitConditional(ConditionalSyntax conditional)
    {
        var condition = Visit(conditional.Condition);
        ExpectBool(conditional.Condition, condition.Type, "'?:'");
        var then = VisitWhere(conditional.Condition, holds: true, conditional.Then);
        var otherwise = VisitWhere(conditional.Condition, holds: false, conditional.Else);
        var type = TypeRules.Common(then.Type, otherwise.Type);
        if (type is null)
        {
            Report(conditional, $"'?:' gives {then.Type} or {otherwise.Type}",
                "let both sides have one type, or write dyn(...) around one of them");
        }

        return new(type ?? CelType.Dyn, condition.Cost + Math.Max(then.Cost, otherwise.Cost) + 1);
    }

    private TypeAndCost VisitList(ListSyntax list)
    {
        var item = CelType.Nothing;
        var cost = 1.0 + list.Items.Length;
        foreach (var (syntax, optional) in list.Items)
        {
            var found = Visit(syntax);
            item = TypeRules.Common(item, optional ? ValueOfOptional(syntax, found.Type) : found.Type) ?? CelType.Dyn;
            cost += found.Cost;
        }

        return new(new CelType.ListOf(item, list.Items.Length), cost);
    }

    private TypeAndCost VisitMap(MapSyntax map)
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
            var entryType = entry.Optional ? ValueOfOptional(entry.Value, foundValue.Type) : foundValue.Type;
            value = TypeRules.Common(value, entryType) ?? CelType.Dyn;
            cost += foundKey.Cost + foundValue.Cost;
        }

        return new(new CelType.MapOf(key, value), cost);
    }

    private CelType ValueOfOptional(Syntax at, CelType type)
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

    private TypeAndCost VisitComprehension(ComprehensionSyntax syntax)
    {
        var range = Visit(syntax.Range);
        if (syntax.Kind is ComprehensionKind.OptMap or ComprehensionKind.OptFlatMap)
        {
            return VisitOptional(syntax, range);
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
            var list = Presence.Chain(syntax.Range) is { } chain ? $"'{chain}'" : "this";
            ReportStrict(CheckProblemKind.Dynamic, syntax.Range, $"the items of {list}");
        }

        _variables.Add((syntax.Variable, item));
        var condition = syntax.Condition is null ? default : Visit(syntax.Condition);
        if (syntax.Condition is not null)
        {
            ExpectBool(syntax.Condition, condition.Type, "the condition of a macro");
        }

        var body = syntax.Body is null ? new TypeAndCost(item, 0) : Visit(syntax.Body);
        _variables.RemoveAt(_variables.Count - 1);
        var count = SizeOf(range.Type);
        var createsList = syntax.Kind is ComprehensionKind.Map or ComprehensionKind.Filter;
        return new(
            createsList ? new CelType.ListOf(body.Type, (long)count, !IsBounded(range.Type)) : CelType.Bool,
            range.Cost + (count * ((createsList ? 2 : 1) + condition.Cost + body.Cost)));
    }

    private TypeAndCost VisitOptional(ComprehensionSyntax syntax, TypeAndCost range)
    {
        if (range.Type is not CelType.OptionalOf && !range.Type.IsDyn)
        {
            Report(syntax.Range, $"{range.Type} is not an optional", "write optional.of(...), or read the field with .?");
        }

        _variables.Add((syntax.Variable, (range.Type as CelType.OptionalOf)?.Value ?? CelType.Dyn));
        var body = Visit(syntax.Body!);
        _variables.RemoveAt(_variables.Count - 1);
        return new(
            new CelType.OptionalOf(syntax.Kind == ComprehensionKind.OptMap ? body.Type : ValueOfOptional(syntax.Body!, body.Type)),
            range.Cost + body.Cost + 2);
    }

    private void ExpectBool(Syntax at, CelType type, string what)
    {
        if (!TypeRules.Fits(type, CelType.Bool))
        {
            Report(at, $"{what} takes a bool, not {type}", "compare the value: value != \"\", value > 0");
        }
    }

    // The common type of the matching overloads; dyn if they differ, null if none matches.
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

    // The maximum of items, fields or characters, or an assumption if it is unknown; 1 for other values.
    private static double SizeOf(CelType type) => type.Plain switch
    {
        CelType.ListOf list => list.Size ?? ExpressionLimits.ItemsAssumed,
        CelType.Basic { Kind: CelKind.String or CelKind.Bytes } text => text.Size ?? ExpressionLimits.CharactersAssumed,
        CelType.ObjectOf declared => Math.Max(1, declared.Shape.Size),
        CelType.MapOf or CelType.DynType => ExpressionLimits.ItemsAssumed,
        _ => 1,
    };

    // Only lists have a proved size: an object may have more fields than its type declares.
    private static bool IsBounded(CelType type) => type.Plain is CelType.ListOf { SizeMax: not null };

    private static string Listed(ReadOnlySpan<CelType> types)
    {
        var text = new List<string>();
        foreach (var type in types)
        {
            text.Add(type.ToString());
        }

        return text.Count == 0 ? "nothing" : string.Join(" and ", text);
    }

    // Returns whether it is reported. An open object may have the field: there, only a likely misspelling is reported, and only if the
    // absence of the field is an error.
    private bool ReportUnknownField(Syntax at, string field, ObjectShape shape, bool guarded)
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
        var problem = new ExpressionProblem(
            position,
            length,
            $"{(PathOfOperand(at) is { } path ? $"'{path}'" : "this")} has no field '{Spelling.Clip(field)}'",
            Spelling.Suggest(field, "fields", names));
        _problems.Add(new CheckProblem(shape.IsClosed ? CheckProblemKind.UnknownField : CheckProblemKind.DoubtfulField, RootOf(at), problem)
        {
            IsOfRoot = at is SelectSyntax { Operand: NameSyntax } or IndexSyntax { Operand: NameSyntax },
        });
        return true;
    }

    // Of a.b.c only the field c is marked, of another expression all of it.
    private static (int Position, int Length) PlaceOf(Syntax at) =>
        at is SelectSyntax select ? (select.End - select.Field.Length, select.Field.Length) : (at.Position, at.Length);

    // Returns the type. Reports the first part of a path whose type is unknown, but not the parts after it, which follow from the first.
    private CelType ReportIfDyn(Syntax at, CelType operand, CelType type)
    {
        if (isStrict && type is CelType.DynType && !operand.Plain.IsDyn)
        {
            ReportStrict(CheckProblemKind.Dynamic, at, Presence.Chain(at) is { } chain ? $"'{chain}'" : "this value");
        }

        return type;
    }

    private void ReportIfMayLack(Syntax at, ObjectShape shape, string field, bool guarded)
    {
        var chain = Presence.Chain(at);
        if (!guarded && shape.MayLack(field) && (chain is null || !_present.Contains(chain)))
        {
            ReportStrict(CheckProblemKind.MaybeMissing, at, chain ?? field);
        }
    }

    private void ReportStrict(CheckProblemKind kind, Syntax at, string what)
    {
        if (isStrict)
        {
            var (position, length) = PlaceOf(at);
            _problems.Add(new CheckProblem(kind, RootOf(at), new ExpressionProblem(position, Math.Max(1, length), what, "")));
        }
    }

    // Visits a part that is evaluated only where the condition is true, or only where it is false.
    private TypeAndCost VisitWhere(Syntax condition, bool holds, Syntax syntax)
    {
        var presentBefore = AddPresent(Presence.Tested(condition, holds));
        var notNullBefore = _notNull.Count;
        _notNull.AddRange(Presence.NotNull(condition, holds));
        var found = Visit(syntax);
        _notNull.RemoveRange(notNullBefore, _notNull.Count - notNullBefore);
        RemovePresentAfter(presentBefore);
        return found;
    }

    private int AddPresent(IEnumerable<string> chains)
    {
        var countBefore = _present.Count;
        if (isStrict)
        {
            _present.AddRange(chains);
        }

        return countBefore;
    }

    private void RemovePresentAfter(int count) => _present.RemoveRange(count, _present.Count - count);

    // The path whose field is read: a.b of a.b.c.
    private static string? PathOfOperand(Syntax at) => at switch
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
        _problems.Add(new CheckProblem(
            CheckProblemKind.NoOverload, null, new ExpressionProblem(at.Position, Math.Max(1, at.Length), problem, remedy)));

    /// <summary>The type of an expression and its estimated cost.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct TypeAndCost(CelType Type, double Cost);
}
