using System.Runtime.CompilerServices;
using Onex.Contracts.Expressions.Parsing;

namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>Compiles a syntax tree to delegates. Each delegate costs one unit of the budget when it runs.</summary>
internal sealed class Compiler
{
    private readonly List<string> _variables = [];

    /// <summary>The maximum of comprehension variables that exist at the same time.</summary>
    public int LocalsMax { get; private set; }

    public Code Compile(Syntax syntax)
    {
        switch (syntax)
        {
            case LiteralSyntax literal:
                return (ref _) => literal.Value;
            case NameSyntax name:
                return Name(name);
            case SelectSyntax select:
                return Select(select);
            case HasSyntax has:
                {
                    var operand = Compile(has.Select.Operand);
                    if (has.Select.Operand is NameSyntax { Name: var name } root && (root.FromRoot || !_variables.Contains(name)))
                    {
                        return (ref frame) => !frame.Spend(1) ? Failures.Budget
                            : frame.Scope.TryGetField(name, has.Select.Field, out _) ? CelValue.Bool(true)
                            : Operators.Has(operand(ref frame), has.Select.Field);
                    }

                    return (ref frame) => frame.Spend(1) ? Operators.Has(operand(ref frame), has.Select.Field) : Failures.Budget;
                }

            case IndexSyntax index:
                return Index(index);
            case CallSyntax call:
                return Call(call);
            case UnarySyntax unary:
                return Unary(unary);
            case BinarySyntax binary:
                return Binary(binary);
            case LogicSyntax logic:
                return Logic(logic);
            case ConditionalSyntax conditional:
                return Conditional(conditional);
            case ListSyntax list:
                return List(list);
            case MapSyntax map:
                return Map(map);
            default:
                return Comprehension((ComprehensionSyntax)syntax);
        }
    }

    private Code Name(NameSyntax name)
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

    private Code Select(SelectSyntax select)
    {
        if (Paths.TypeOf(select, _variables) is { } type)
        {
            var value = CelValue.Type(type);
            return (ref _) => value;
        }

        return Qualified(select) is { } qualified ? QualifiedSelect(qualified, Field(select)) : Field(select);
    }

    // a.b.c is one name if the scope has it; the longest name wins.
    private static Code QualifiedSelect(string name, Code field) =>
        (ref frame) => frame.Scope.HasQualifiedNames && frame.Scope.TryGet(name, out var value) ? value : field(ref frame);

    private string? Qualified(Syntax syntax) => syntax switch
    {
        NameSyntax name when name.FromRoot || !_variables.Contains(name.Name) => name.Name,
        SelectSyntax { Optional: false } select when Qualified(select.Operand) is { } before => $"{before}.{select.Field}",
        _ => null,
    };

    private Code Field(SelectSyntax select)
    {
        var operand = Compile(select.Operand);
        var (field, optional) = (select.Field, select.Optional);
        if (!optional && select.Operand is NameSyntax { Name: var name } root && (root.FromRoot || !_variables.Contains(name)))
        {
            // The fast path covers existing fields; the slow path produces the error message.
            return (ref frame) => !frame.Spend(1) ? Failures.Budget
                : frame.Scope.TryGetField(name, field, out var value) ? value
                : frame.Scope.WhyMissing(name, field) is { } why ? CelValue.Error(why)
                : Operators.Select(operand(ref frame), field, optional: false);
        }

        return (ref frame) => frame.Spend(1) ? Operators.Select(operand(ref frame), field, optional) : Failures.Budget;
    }

    private Code Index(IndexSyntax index)
    {
        var operand = Compile(index.Operand);
        var at = Compile(index.Index);
        var optional = index.Optional;
        var root = !optional && index.Operand is NameSyntax name && (name.FromRoot || !_variables.Contains(name.Name)) ? name.Name : null;
        return (ref frame) =>
        {
            var container = operand(ref frame);
            var key = at(ref frame);
            if (root is not null && key.Kind == CelKind.String && !container.TryGetField(key.AsString(), out _)
                && frame.Scope.WhyMissing(root, key.AsString()) is { } why)
            {
                return CelValue.Error(why);
            }

            return container.IsError ? container : key.IsError ? key : frame.Spend(1 + Operators.KeyCost(key))
                ? Operators.Index(container, key, optional) : Failures.Budget;
        };
    }

    private Code Call(CallSyntax call)
    {
        if (call.Function is not { } function)
        {
            var unknown = CelValue.Error($"unbound function '{call.Name}'");
            return (ref _) => unknown;
        }

        var arguments = call.Arguments.Select(Compile).ToArray();
        if (function.Name is "or" or "orValue")
        {
            return Alternative(arguments[0], arguments[1], function.Name == "orValue");
        }

        var run = function.Run;
        switch (arguments.Length)
        {
            case 1:
                {
                    var only = arguments[0];
                    return (ref frame) =>
                    {
                        var value = only(ref frame);
                        return value.IsError ? value : frame.Spend(1) ? run(ref frame, new ReadOnlySpan<CelValue>(in value))
                            : Failures.Budget;
                    };
                }

            case 2:
                {
                    var (first, second) = (arguments[0], arguments[1]);
                    return (ref frame) =>
                    {
                        var values = default(Two);
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
                    // Calls with several arguments are rare, so the allocated array is acceptable.
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

    // The alternative is evaluated only if needed.
    private static Code Alternative(Code optional, Code other, bool unwrap) =>
        (ref frame) =>
        {
            var value = optional(ref frame);
            if (value.Kind != CelKind.Optional)
            {
                return value.IsError ? value : Failures.NoOverload(unwrap ? "orValue" : "or", value);
            }

            if (value.HasValue)
            {
                return unwrap ? value.Inner : value;
            }

            var alternative = frame.Spend(1) ? other(ref frame) : Failures.Budget;
            return unwrap || alternative.Kind is CelKind.Optional or CelKind.Error ? alternative : Failures.NoOverload("or", alternative);
        };

    private Code Unary(UnarySyntax unary)
    {
        var operand = Compile(unary.Operand);
        var isNot = unary.Operator == '!';
        return (ref frame) =>
        {
            var value = operand(ref frame);
            return value.IsError ? value : !frame.Spend(1) ? Failures.Budget : isNot ? Operators.Not(value) : Operators.Negate(value);
        };
    }

    private Code Binary(BinarySyntax binary)
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
    private Code Logic(LogicSyntax logic)
    {
        var operands = logic.Operands.Select(Compile).ToArray();
        var decides = !logic.IsAnd;
        var symbol = logic.IsAnd ? "'&&'" : "'||'";
        return (ref frame) =>
        {
            var failure = default(CelValue);
            foreach (var operand in operands)
            {
                var value = frame.Spend(1) ? operand(ref frame) : Failures.Budget;
                if (value.Kind == CelKind.Bool)
                {
                    if (value.AsBool() == decides)
                    {
                        return value;
                    }
                }
                else
                {
                    failure = failure.IsError ? failure : value.IsError ? value : Failures.NoOverload(symbol, value);
                }
            }

            return failure.IsError ? failure : CelValue.Bool(!decides);
        };
    }

    private Code Conditional(ConditionalSyntax conditional)
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

    private Code List(ListSyntax list)
    {
        var items = list.Items.Select(item => (Code: Compile(item.Item), item.Optional)).ToArray();
        return (ref frame) =>
        {
            if (!frame.Spend(1 + items.Length))
            {
                return Failures.Budget;
            }

            var made = new List<CelValue>(items.Length);
            foreach (var (code, optional) in items)
            {
                var value = code(ref frame);
                if (value.IsError || (optional && value.Kind != CelKind.Optional))
                {
                    return value.IsError ? value : Failures.NoOverload("an optional item of a list", value);
                }

                if (!optional || value.HasValue)
                {
                    made.Add(optional ? value.Inner : value);
                }
            }

            return CelValue.List(made);
        };
    }

    private Code Map(MapSyntax map)
    {
        var entries = map.Entries.Select(entry => (Key: Compile(entry.Key), Value: Compile(entry.Value), entry.Optional)).ToArray();
        return (ref frame) =>
        {
            if (!frame.Spend(1 + (4 * entries.Length)))
            {
                return Failures.Budget;
            }

            var made = new CelMap(entries.Length);
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

                if (made.Contains(key))
                {
                    return CelValue.Error($"repeated key: {key}");
                }

                if (!entry.Optional || value.HasValue)
                {
                    made.Set(key, entry.Optional ? value.Inner : value);
                }
            }

            return CelValue.Map(made);
        };
    }

    private Code Comprehension(ComprehensionSyntax syntax)
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
            ComprehensionKind.All => Quantifier(range, slot, condition!, decides: false),
            ComprehensionKind.Exists => Quantifier(range, slot, condition!, decides: true),
            ComprehensionKind.ExistsOne => ExistsOne(range, slot, condition!),
            ComprehensionKind.OptMap or ComprehensionKind.OptFlatMap =>
                Inside(range, slot, body!, flat: syntax.Kind == ComprehensionKind.OptFlatMap),
            _ => Collect(range, slot, condition, body),
        };
    }

    // all() and exists() are && and || over the items and absorb errors the same way.
    private static Code Quantifier(Code range, int slot, Code condition, bool decides) =>
        (ref frame) =>
        {
            var items = Items(ref frame, range(ref frame), out var failure);
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
                else if (value.AsBool() == decides)
                {
                    return value;
                }
            }

            return failure ?? CelValue.Bool(!decides);
        };

    private static Code ExistsOne(Code range, int slot, Code condition) =>
        (ref frame) =>
        {
            var items = Items(ref frame, range(ref frame), out var failure);
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

    private static Code Collect(Code range, int slot, Code? condition, Code? body) =>
        (ref frame) =>
        {
            var items = Items(ref frame, range(ref frame), out var failure);
            if (failure is { } wrong)
            {
                return wrong;
            }

            var made = new List<CelValue>();
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

                made.Add(value);
            }

            return CelValue.List(made);
        };

    // Maps the value inside an optional; none stays none.
    private static Code Inside(Code optional, int slot, Code body, bool flat) =>
        (ref frame) =>
        {
            var value = optional(ref frame);
            if (value.Kind != CelKind.Optional || !value.HasValue)
            {
                return value.IsError || value.Kind == CelKind.Optional ? value : Failures.NoOverload("a macro over an optional", value);
            }

            if (!frame.Spend(2))
            {
                return Failures.Budget;
            }

            frame.Locals![slot] = value.Inner;
            var made = body(ref frame);
            return made.IsError ? made
                : !flat ? CelValue.Some(made)
                : made.Kind == CelKind.Optional ? made
                : Failures.NoOverload("optFlatMap", made);
        };

    private static IReadOnlyList<CelValue> Items(ref Frame frame, CelValue range, out CelValue? failure)
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

    /// <summary>Two arguments without an array.</summary>
    [InlineArray(2)]
    private struct Two
    {
        private CelValue _value;
    }
}
