namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>The implementation of a binary operator. Neither value is an error.</summary>
internal delegate CelValue BinaryOperator(ref Frame frame, CelValue a, CelValue b);

/// <summary>The operators, for values that are not errors.</summary>
internal static class Operators
{
    /// <summary>The implementation of an operator.</summary>
    public static BinaryOperator For(string symbol) => symbol switch
    {
        "==" => (ref frame, a, b) => Equal(ref frame, a, b, negated: false),
        "!=" => (ref frame, a, b) => Equal(ref frame, a, b, negated: true),
        "<" => (ref frame, a, b) => Order(ref frame, "<", a, b, orEqual: false, wantedSign: -1),
        "<=" => (ref frame, a, b) => Order(ref frame, "<=", a, b, orEqual: true, wantedSign: -1),
        ">" => (ref frame, a, b) => Order(ref frame, ">", a, b, orEqual: false, wantedSign: 1),
        ">=" => (ref frame, a, b) => Order(ref frame, ">=", a, b, orEqual: true, wantedSign: 1),
        "in" => In,
        "+" => Add,
        "-" => (ref _, a, b) => Subtract(a, b),
        _ => (ref _, a, b) => MultiplyOrDivide(symbol, a, b),
    };

    public static CelValue Negate(CelValue value) => value.Kind switch
    {
        CelKind.Int => value.AsInt() == long.MinValue ? Failures.Overflow : CelValue.Int(-value.AsInt()),
        CelKind.Double => CelValue.Double(-value.AsDouble()),
        _ => Failures.NoOverload("'-'", value),
    };

    public static CelValue Not(CelValue value) =>
        value.Kind == CelKind.Bool ? CelValue.Bool(!value.AsBool()) : Failures.NoOverload("'!'", value);

    public static CelValue Select(CelValue operand, string field, bool optional)
    {
        if (operand.Kind == CelKind.Optional)
        {
            return operand.HasValue ? Select(operand.Inner, field, optional: true) : CelValue.None;
        }

        if (operand.Kind != CelKind.Map)
        {
            return operand.IsError ? operand : Failures.NoOverload($"the field '{field}'", operand);
        }

        if (!operand.MapValue.TryGet(field, out var value))
        {
            return optional ? CelValue.None : Failures.NoKey(CelValue.String(field));
        }

        return optional ? CelValue.Some(value) : value;
    }

    public static CelValue Has(CelValue operand, string field) => operand.Kind switch
    {
        CelKind.Error => operand,
        CelKind.Map => CelValue.Bool(operand.TryGetField(field, out _)),
        CelKind.Optional => operand.HasValue ? Has(operand.Inner, field) : CelValue.Bool(false),
        _ => Failures.NoOverload($"has() of the field '{field}'", operand),
    };

    public static CelValue Index(CelValue operand, CelValue index, bool optional)
    {
        if (operand.Kind == CelKind.Optional)
        {
            return operand.HasValue ? Index(operand.Inner, index, optional: true) : CelValue.None;
        }

        CelValue found;
        switch (operand.Kind)
        {
            case CelKind.Map:
                if (index.Kind is not (CelKind.String or CelKind.Bool) && !CelComparison.IsNumber(index.Kind))
                {
                    return Failures.NoOverload("an index of a map", index);
                }

                if (!operand.MapValue.TryGet(index, out found))
                {
                    return optional ? CelValue.None : Failures.NoKey(index);
                }

                break;
            case CelKind.List:
                if (WholeIndex(index) is not { } at)
                {
                    return Failures.NoOverload("an index of a list", index);
                }

                var items = operand.AsList();
                if (at < 0 || at >= items.Count)
                {
                    return optional ? CelValue.None : CelValue.Error($"index out of bounds: {at} in a list of {items.Count}");
                }

                found = items[(int)at];
                break;
            default:
                return Failures.NoOverload("an index", operand);
        }

        return optional ? CelValue.Some(found) : found;
    }

    /// <summary>The cost of looking up a key. Only a text costs something, because all of it is hashed.</summary>
    public static int KeyCost(CelValue key) => key.Kind == CelKind.String ? key.AsString().Length / ExpressionLimits.ComparedPerUnit : 0;

    // Below 1e15 a double represents whole numbers exactly.
    private static long? WholeIndex(CelValue index) => index.Kind switch
    {
        CelKind.Int => index.AsInt(),
        CelKind.Uint => index.AsUint() <= long.MaxValue ? (long)index.AsUint() : long.MaxValue,
        CelKind.Double when Math.Truncate(index.AsDouble()) == index.AsDouble() && Math.Abs(index.AsDouble()) < 1e15 =>
            (long)index.AsDouble(),
        _ => null,
    };

    private static CelValue Equal(ref Frame frame, CelValue a, CelValue b, bool negated)
    {
        var equal = CelComparison.AreEqual(a, b, ref frame.BudgetLeft);
        return frame.BudgetLeft < 0 ? Failures.Budget : CelValue.Bool(equal != negated);
    }

    private static CelValue Order(ref Frame frame, string symbol, CelValue a, CelValue b, bool orEqual, int wantedSign)
    {
        if (a.Kind is CelKind.String or CelKind.Bytes && b.Kind == a.Kind
            && !frame.Spend(Math.Min(Length(a), Length(b)) / ExpressionLimits.ComparedPerUnit))
        {
            return Failures.Budget;
        }

        var order = CelComparison.Compare(a, b, out var areComparable);
        if (!areComparable)
        {
            return Failures.NoOverload($"'{symbol}'", a, b);
        }

        return CelValue.Bool(order is { } known && ((orEqual && known == 0) || Math.Sign(known) == wantedSign));
    }

    private static CelValue In(ref Frame frame, CelValue item, CelValue container)
    {
        if (container.Kind == CelKind.Map)
        {
            return frame.Spend(KeyCost(item)) ? CelValue.Bool(container.MapValue.Contains(item)) : Failures.Budget;
        }

        if (container.Kind != CelKind.List)
        {
            return Failures.NoOverload("'in'", item, container);
        }

        var items = container.AsList();
        for (var i = 0; i < items.Count && frame.BudgetLeft >= 0; i++)
        {
            if (CelComparison.AreEqual(items[i], item, ref frame.BudgetLeft))
            {
                return CelValue.Bool(true);
            }
        }

        return frame.BudgetLeft < 0 ? Failures.Budget : CelValue.Bool(false);
    }

    public static CelValue Add(ref Frame frame, CelValue a, CelValue b)
    {
        switch (a.Kind, b.Kind)
        {
            case (CelKind.Int, CelKind.Int):
                {
                    var sum = unchecked(a.AsInt() + b.AsInt());
                    return ((a.AsInt() ^ sum) & (b.AsInt() ^ sum)) < 0 ? Failures.Overflow : CelValue.Int(sum);
                }

            case (CelKind.Uint, CelKind.Uint):
                return a.AsUint() > ulong.MaxValue - b.AsUint() ? Failures.Overflow : CelValue.Uint(a.AsUint() + b.AsUint());
            case (CelKind.Double, CelKind.Double):
                return CelValue.Double(a.AsDouble() + b.AsDouble());
            case (CelKind.String, CelKind.String):
                return frame.Spend((Length(a) + Length(b)) / ExpressionLimits.CreatedPerUnit)
                    ? CelValue.String(a.AsString() + b.AsString()) : Failures.Budget;
            case (CelKind.Bytes, CelKind.Bytes):
                // A byte is half the size of a character.
                return frame.Spend((Length(a) + Length(b)) / (2 * ExpressionLimits.CreatedPerUnit))
                    ? CelValue.Bytes([.. a.AsBytes().Span, .. b.AsBytes().Span]) : Failures.Budget;
            case (CelKind.List, CelKind.List):
                return frame.Spend(a.AsList().Count + b.AsList().Count) ? CelValue.List([.. a.AsList(), .. b.AsList()]) : Failures.Budget;
            case (CelKind.Timestamp, CelKind.Duration) or (CelKind.Duration, CelKind.Timestamp):
                return CelTime.Timestamp(a.Bits + b.Bits, (long)a.Nanos + b.Nanos) ?? Failures.TimeRange;
            case (CelKind.Duration, CelKind.Duration):
                return CelTime.Duration(a.Bits + b.Bits, (long)a.Nanos + b.Nanos) ?? Failures.TimeRange;
            default:
                return Failures.NoOverload("'+'", a, b);
        }
    }

    private static CelValue Subtract(CelValue a, CelValue b)
    {
        switch (a.Kind, b.Kind)
        {
            case (CelKind.Int, CelKind.Int):
                {
                    var difference = unchecked(a.AsInt() - b.AsInt());
                    return ((a.AsInt() ^ b.AsInt()) & (a.AsInt() ^ difference)) < 0 ? Failures.Overflow : CelValue.Int(difference);
                }

            case (CelKind.Uint, CelKind.Uint):
                return a.AsUint() < b.AsUint() ? Failures.Overflow : CelValue.Uint(a.AsUint() - b.AsUint());
            case (CelKind.Double, CelKind.Double):
                return CelValue.Double(a.AsDouble() - b.AsDouble());
            case (CelKind.Timestamp, CelKind.Duration):
                return CelTime.Timestamp(a.Bits - b.Bits, (long)a.Nanos - b.Nanos) ?? Failures.TimeRange;
            case (CelKind.Timestamp, CelKind.Timestamp) or (CelKind.Duration, CelKind.Duration):
                return CelTime.Duration(a.Bits - b.Bits, (long)a.Nanos - b.Nanos) ?? Failures.TimeRange;
            default:
                return Failures.NoOverload("'-'", a, b);
        }
    }

    // '*', '/' and '%'.
    private static CelValue MultiplyOrDivide(string symbol, CelValue a, CelValue b)
    {
        switch (a.Kind, b.Kind)
        {
            case (CelKind.Double, CelKind.Double) when symbol != "%":
                return CelValue.Double(symbol == "*" ? a.AsDouble() * b.AsDouble() : a.AsDouble() / b.AsDouble());
            case (CelKind.Int, CelKind.Int) or (CelKind.Uint, CelKind.Uint) when symbol != "*" && b.Bits == 0:
                return CelValue.Error(symbol == "/" ? "division by zero" : "modulus by zero");
            case (CelKind.Int, CelKind.Int) when symbol == "*":
                return Math.BigMul(a.AsInt(), b.AsInt()) is var product && product >= long.MinValue && product <= long.MaxValue
                    ? CelValue.Int((long)product)
                    : Failures.Overflow;
            case (CelKind.Int, CelKind.Int):
                return a.AsInt() == long.MinValue && b.AsInt() == -1
                    ? Failures.Overflow
                    : CelValue.Int(symbol == "/" ? a.AsInt() / b.AsInt() : a.AsInt() % b.AsInt());
            case (CelKind.Uint, CelKind.Uint) when symbol == "*":
                return Math.BigMul(a.AsUint(), b.AsUint()) is var unsigned && unsigned <= ulong.MaxValue ? CelValue.Uint((ulong)unsigned)
                    : Failures.Overflow;
            case (CelKind.Uint, CelKind.Uint):
                return CelValue.Uint(symbol == "/" ? a.AsUint() / b.AsUint() : a.AsUint() % b.AsUint());
            default:
                return Failures.NoOverload($"'{symbol}'", a, b);
        }
    }

    /// <summary>The characters of a string, or the bytes of bytes.</summary>
    public static int Length(CelValue value) => value.Kind == CelKind.String ? value.AsString().Length : value.AsBytes().Length;
}
