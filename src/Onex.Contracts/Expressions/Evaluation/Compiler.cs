using System.Runtime.CompilerServices;
using Onex.Contracts.Expressions.Parsing;

namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>Compiles a syntax tree to delegates. They spend the budget when they run: most of them at least one unit.</summary>
internal sealed class Compiler
{
    private readonly List<string> _variables = [];

    /// <summary>The maximum of comprehension variables in scope at the same time.</summary>
    public int LocalsMax { get; private set; }

    public Code Compile(Syntax syntax)
    {
        switch (syntax)
        {
            case LiteralSyntax literal:
                return (ref _) => literal.Value;
            case NameSyntax name:
                return CompileName(name);
            case SelectSyntax select:
                return CompileSelect(select);
            case HasSyntax has:
                {
                    var operand = Compile(has.Select.Operand);
                    if (ScopeName(has.Select.Operand) is { } name)
                    {
                        return (ref frame) => !frame.Spend(1) ? Failures.Budget
                            : frame.Scope.TryGetField(name, has.Select.Field, out _) ? CelValue.Bool(true)
                            : Operators.Has(operand(ref frame), has.Select.Field);
                    }

                    return (ref frame) => frame.Spend(1) ? Operators.Has(operand(ref frame), has.Select.Field) : Failures.Budget;
                }

            case IndexSyntax index:
                return CompileIndex(index);
            case CallSyntax call:
                return CompileCall(call);
            case UnarySyntax unary:
                return CompileUnary(unary);
            case BinarySyntax binary:
                return CompileBinary(binary);
            case LogicSyntax logic:
                return CompileLogic(logic);
            case ConditionalSyntax conditional:
                return CompileConditional(conditional);
            case ListSyntax list:
                return CompileList(list);
            case MapSyntax map:
                return CompileMap(map);
            default:
                return CompileComprehension((ComprehensionSyntax)syntax);
        }
    }

    private Code CompileName(NameSyntax name)
    {
        var slot = name.FromRoot ? -1 : _variables.LastIndexOf(name.Name);
        if (slot >= 0)
        {
            return (ref frame) => frame.Locals![slot];
        }

        if (CelTypes.IsTypeName(name.Name))
        {
            var type = CelValue.Type(name.Name);
            return (ref frame) => frame.Scope.TryGet(name.Name, out var value) ? value : type;
        }

        var missing = CelValue.Error($"there is no '{name.Name}' here");
        return (ref frame) => frame.Scope.TryGet(name.Name, out var value) ? value : missing;
    }

    private Code CompileSelect(SelectSyntax select)
    {
        if (Paths.TypeOf(select, _variables) is { } type)
        {
            var value = CelValue.Type(type);
            return (ref _) => value;
        }

        return QualifiedName(select) is { } qualified ? CompileQualifiedSelect(qualified, CompileField(select)) : CompileField(select);
    }

    // a.b.c is one name if the scope has it; the longest name wins.
    private static Code CompileQualifiedSelect(string name, Code field) =>
        (ref frame) => frame.Scope.HasQualifiedNames && frame.Scope.TryGet(name, out var value) ? value : field(ref frame);

    private string? QualifiedName(Syntax syntax) =>
        syntax is SelectSyntax { Optional: false } select && QualifiedName(select.Operand) is { } before
            ? $"{before}.{select.Field}" : ScopeName(syntax);

    // The name, if it is resolved in the scope; null for a variable and for any other expression.
    private string? ScopeName(Syntax syntax) =>
        syntax is NameSyntax name && (name.FromRoot || !_variables.Contains(name.Name)) ? name.Name : null;

    private Code CompileField(SelectSyntax select)
    {
        var operand = Compile(select.Operand);
        var (field, optional) = (select.Field, select.Optional);
        if (!optional && ScopeName(select.Operand) is { } name)
        {
            // Neither a field that exists nor a known reason why it does not needs the map.
            return (ref frame) => !frame.Spend(1) ? Failures.Budget
                : frame.Scope.TryGetField(name, field, out var value) ? value
                : frame.Scope.WhyMissing(name, field) is { } why ? CelValue.Error(why)
                : Operators.Select(operand(ref frame), field, optional: false);
        }

        return (ref frame) => frame.Spend(1) ? Operators.Select(operand(ref frame), field, optional) : Failures.Budget;
    }

    private Code CompileIndex(IndexSyntax index)
    {
        var operand = Compile(index.Operand);
        var at = Compile(index.Index);
        var optional = index.Optional;
        var scopeName = optional ? null : ScopeName(index.Operand);
        return (ref frame) =>
        {
            var container = operand(ref frame);
            var key = at(ref frame);
            if (scopeName is not null && key.Kind == CelKind.String && !container.TryGetField(key.AsString(), out _)
                && frame.Scope.WhyMissing(scopeName, key.AsString()) is { } why)
            {
                return CelValue.Error(why);
            }

            return container.IsError ? container
                : key.IsError ? key
                : frame.Spend(1 + Operators.KeyCost(key)) ? Operators.Index(container, key, optional)
                : Failures.Budget;
        };
    }

    private Code CompileCall(CallSyntax call)
    {
        if (call.Function is not { } function)
        {
            var unknown = CelValue.Error($"unbound function '{call.Name}'");
            return (ref _) => unknown;
        }

        var arguments = call.Arguments.Select(Compile).ToArray();
        if (function.Name is "or" or "orValue")
        {
            return CompileOr(arguments[0], arguments[1], isOrValue: function.Name == "orValue");
        }

        var run = function.Run;
        switch (arguments.Length)
        {
            case 1:
                {
                    var argument = arguments[0];
                    return (ref frame) =>
                    {
                        var value = argument(ref frame);
                        return value.IsError ? value
                            : frame.Spend(1) ? run(ref frame, new ReadOnlySpan<CelValue>(in value))
                            : Failures.Budget;
                    };
                }

            case 2:
                {
                    var (first, second) = (arguments[0], arguments[1]);
                    return (ref frame) =>
                    {
                        var values = default(TwoValues);
                        values[0] = first(ref frame);
                        if (values[0].IsError)
                        {
                            return values[0];
                        }

                        values[1] = second(ref frame);
                        return values[1].IsError ? values[1] : frame.Spend(3) ? run(ref frame, values) : Failures.Budget;
                    };
                }

            default:
                return (ref frame) =>
                {
                    // Calls with more than two arguments are rare, so the allocated array is acceptable.
                    var values = new CelValue[arguments.Length];
                    for (var i = 0; i < values.Length; i++)
                    {
                        values[i] = arguments[i](ref frame);
                        if (values[i].IsError)
                        {
                            return values[i];
                        }
                    }

                    return frame.Spend(1 + values.Length) ? run(ref frame, values) : Failures.Budget;
                };
        }
    }

    // The alternative is evaluated only if the optional has no value.
    private static Code CompileOr(Code optional, Code other, bool isOrValue) =>
        (ref frame) =>
        {
            var value = optional(ref frame);
            if (value.Kind != CelKind.Optional)
            {
                return value.IsError ? value : Failures.NoOverload(isOrValue ? "orValue" : "or", value);
            }

            if (value.HasValue)
            {
                return isOrValue ? value.Inner : value;
            }

            var alternative = frame.Spend(1) ? other(ref frame) : Failures.Budget;
            return isOrValue || alternative.Kind is CelKind.Optional or CelKind.Error
                ? alternative
                : Failures.NoOverload("or", alternative);
        };

    private Code CompileUnary(UnarySyntax unary)
    {
        var operand = Compile(unary.Operand);
        var isNot = unary.Operator == '!';
        return (ref frame) =>
        {
            var value = operand(ref frame);
            return value.IsError ? value : !frame.Spend(1) ? Failures.Budget : isNot ? Operators.Not(value) : Operators.Negate(value);
        };
    }

    private Code CompileBinary(BinarySyntax binary)
    {
        var (left, right, apply) = (Compile(binary.Left), Compile(binary.Right), Operators.For(binary.Operator));
        return (ref frame) =>
        {
            var a = left(ref frame);
            var b = right(ref frame);
            return a.IsError ? a : b.IsError ? b : frame.Spend(1) ? apply(ref frame, a, b) : Failures.Budget;
        };
    }

    // A deciding operand absorbs the errors of all others, in either order.
    private Code CompileLogic(LogicSyntax logic)
    {
        var operands = logic.Operands.Select(Compile).ToArray();
        var deciding = !logic.IsAnd;
        var symbol = logic.IsAnd ? "'&&'" : "'||'";
        return (ref frame) =>
        {
            var failure = default(CelValue);
            foreach (var operand in operands)
            {
                var value = frame.Spend(1) ? operand(ref frame) : Failures.Budget;
                if (value.Kind == CelKind.Bool)
                {
                    if (value.AsBool() == deciding)
                    {
                        return value;
                    }
                }
                else
                {
                    failure = failure.IsError ? failure : value.IsError ? value : Failures.NoOverload(symbol, value);
                }
            }

            return failure.IsError ? failure : CelValue.Bool(!deciding);
        };
    }

    private Code CompileConditional(ConditionalSyntax conditional)
    {
        var (condition, then, otherwise) = (Compile(conditional.Condition), Compile(conditional.Then), Compile(conditional.Else));
        return (ref frame) =>
        {
            var value = frame.Spend(1) ? condition(ref frame) : Failures.Budget;
            return value.Kind == CelKind.Bool
                ? value.AsBool() ? then(ref frame) : otherwise(ref frame)
                : value.IsError ? value : Failures.NoOverload("'?:'", value);
        };
    }

    private Code CompileList(ListSyntax list)
    {
        var items = list.Items.Select(item => (Code: Compile(item.Item), item.Optional)).ToArray();
        return (ref frame) =>
        {
            if (!frame.Spend(1 + items.Length))
            {
                return Failures.Budget;
            }

            var result = new List<CelValue>(items.Length);
            foreach (var (code, optional) in items)
            {
                var value = code(ref frame);
                if (value.IsError)
                {
                    return value;
                }

                if (optional && value.Kind != CelKind.Optional)
                {
                    return Failures.NoOverload("an optional item of a list", value);
                }

                if (!optional || value.HasValue)
                {
                    result.Add(optional ? value.Inner : value);
                }
            }

            return CelValue.List(result);
        };
    }

    private Code CompileMap(MapSyntax map)
    {
        var entries = map.Entries.Select(entry => (Key: Compile(entry.Key), Value: Compile(entry.Value), entry.Optional)).ToArray();
        return (ref frame) =>
        {
            if (!frame.Spend(1 + (4 * entries.Length)))
            {
                return Failures.Budget;
            }

            var result = new CelMap(entries.Length);
            foreach (var entry in entries)
            {
                var key = entry.Key(ref frame);
                var value = key.IsError ? key : entry.Value(ref frame);
                if (value.IsError)
                {
                    return value;
                }

                if (key.Kind is not (CelKind.String or CelKind.Int or CelKind.Uint or CelKind.Bool))
                {
                    return Failures.NoOverload("a key of a map", key);
                }

                if (entry.Optional && value.Kind != CelKind.Optional)
                {
                    return Failures.NoOverload("an optional entry of a map", value);
                }

                if (!frame.Spend(Operators.KeyCost(key)))
                {
                    return Failures.Budget;
                }

                if (result.Contains(key))
                {
                    return CelValue.Error($"repeated key: {key}");
                }

                if (!entry.Optional || value.HasValue)
                {
                    result.Set(key, entry.Optional ? value.Inner : value);
                }
            }

            return CelValue.Map(result);
        };
    }

    private Code CompileComprehension(ComprehensionSyntax syntax)
    {
        var range = Compile(syntax.Range);
        var slot = _variables.Count;
        _variables.Add(syntax.Variable);
        LocalsMax = Math.Max(LocalsMax, _variables.Count);
        var condition = syntax.Condition is null ? null : Compile(syntax.Condition);
        var body = syntax.Body is null ? null : Compile(syntax.Body);
        _variables.RemoveAt(slot);
        return syntax.Kind switch
        {
            ComprehensionKind.All => CompileQuantifier(range, slot, condition!, deciding: false),
            ComprehensionKind.Exists => CompileQuantifier(range, slot, condition!, deciding: true),
            ComprehensionKind.ExistsOne => CompileExistsOne(range, slot, condition!),
            ComprehensionKind.OptMap or ComprehensionKind.OptFlatMap =>
                CompileOptMap(range, slot, body!, isFlat: syntax.Kind == ComprehensionKind.OptFlatMap),
            _ => CompileCollect(range, slot, condition, body),
        };
    }

    // all() and exists() are && and || over the items, so they absorb errors in the same way.
    private static Code CompileQuantifier(Code range, int slot, Code condition, bool deciding) =>
        (ref frame) =>
        {
            var items = ItemsOf(ref frame, range(ref frame), out var failure);
            for (var i = 0; i < items.Count; i++)
            {
                if (!frame.Spend(1))
                {
                    return Failures.Budget;
                }

                frame.Locals![slot] = items[i];
                var value = condition(ref frame);
                if (value.Kind != CelKind.Bool)
                {
                    failure ??= value.IsError ? value : Failures.NoOverload("the condition of a macro", value);
                }
                else if (value.AsBool() == deciding)
                {
                    return value;
                }
            }

            return failure ?? CelValue.Bool(!deciding);
        };

    private static Code CompileExistsOne(Code range, int slot, Code condition) =>
        (ref frame) =>
        {
            var items = ItemsOf(ref frame, range(ref frame), out var failure);
            var count = 0;
            for (var i = 0; i < items.Count; i++)
            {
                if (!frame.Spend(1))
                {
                    return Failures.Budget;
                }

                frame.Locals![slot] = items[i];
                var value = condition(ref frame);
                if (value.Kind != CelKind.Bool)
                {
                    return value.IsError ? value : Failures.NoOverload("the condition of a macro", value);
                }

                count += value.AsBool() ? 1 : 0;
            }

            return failure ?? CelValue.Bool(count == 1);
        };

    private static Code CompileCollect(Code range, int slot, Code? condition, Code? body) =>
        (ref frame) =>
        {
            var items = ItemsOf(ref frame, range(ref frame), out var failure);
            if (failure is { } problem)
            {
                return problem;
            }

            var result = new List<CelValue>();
            for (var i = 0; i < items.Count; i++)
            {
                if (!frame.Spend(2))
                {
                    return Failures.Budget;
                }

                var item = items[i];
                frame.Locals![slot] = item;
                if (condition is not null)
                {
                    var holds = condition(ref frame);
                    if (holds.Kind != CelKind.Bool)
                    {
                        return holds.IsError ? holds : Failures.NoOverload("the condition of a macro", holds);
                    }

                    if (!holds.AsBool())
                    {
                        continue;
                    }
                }

                var value = body is null ? item : body(ref frame);
                if (value.IsError)
                {
                    return value;
                }

                result.Add(value);
            }

            return CelValue.List(result);
        };

    // Maps the value of an optional. An optional without a value is returned as it is.
    private static Code CompileOptMap(Code optional, int slot, Code body, bool isFlat) =>
        (ref frame) =>
        {
            var value = optional(ref frame);
            if (value.Kind != CelKind.Optional)
            {
                return value.IsError ? value : Failures.NoOverload("a macro over an optional", value);
            }

            if (!value.HasValue)
            {
                return value;
            }

            if (!frame.Spend(2))
            {
                return Failures.Budget;
            }

            frame.Locals![slot] = value.Inner;
            var result = body(ref frame);
            return result.IsError ? result
                : !isFlat ? CelValue.Some(result)
                : result.Kind == CelKind.Optional ? result
                : Failures.NoOverload("optFlatMap", result);
        };

    private static IReadOnlyList<CelValue> ItemsOf(ref Frame frame, CelValue range, out CelValue? failure)
    {
        failure = null;
        switch (range.Kind)
        {
            case CelKind.List:
                return range.AsList();
            case CelKind.Map when frame.Spend(range.MapValue.Count):
                return range.MapValue.Keys();
            case CelKind.Map:
                failure = Failures.Budget;
                return [];
            default:
                failure = range.IsError ? range : Failures.NoOverload("a macro over items", range);
                return [];
        }
    }

    /// <summary>Two arguments on the stack, without an array.</summary>
    [InlineArray(2)]
    private struct TwoValues
    {
        private CelValue _value;
    }
}
