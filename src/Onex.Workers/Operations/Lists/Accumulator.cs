using Onex.Contracts.Expressions;

namespace Onex.Workers.Operations.Lists;

/// <summary>Collects the values of a group, or of the whole list.</summary>
/// <param name="name">The name of the result.</param>
internal abstract class Accumulator(string name)
{
    public string Name => name;

    /// <summary>Adds the value of the item with that index.</summary>
    public abstract void Add(CelValue value, int item);

    /// <summary>The result of all values that were added.</summary>
    public abstract CelValue GetResult();
}

internal sealed class CountAccumulator(string name) : Accumulator(name)
{
    private long _count;

    public override void Add(CelValue value, int item) => _count += value.AsBool() ? 1 : 0;

    public override CelValue GetResult() => CelValue.Int(_count);
}

/// <summary>The sum or the average. Null is ignored.</summary>
internal sealed class SumAccumulator(string name, ItemExpression expression, bool isAverage) : Accumulator(name)
{
    // How many decimal places an average has beyond those of its sum. A double has 17 digits, after at most 10 more zeros, because the sum
    // is divided by less than 10^10.
    private const int DoublePlaces = 17 + 10;
    private const int TextPlaces = 6;

    private ExactNumber _sum = ExactNumber.Zero;
    private int _count;
    private bool _isText;
    private bool _isDouble;

    public override void Add(CelValue value, int item)
    {
        if (value.IsNull)
        {
            return;
        }

        _sum += ExactNumber.From(value) ?? throw expression.Failed(
            item, $"its value must be a number or text of at most {ExactNumber.LengthMax} decimal digits");
        _count++;
        _isText |= value.Kind == CelKind.String;
        _isDouble |= value.Kind == CelKind.Double;
    }

    public override CelValue GetResult() =>
        isAverage ? Average()
        : _isText ? CelValue.String(_sum.ToString())
        : _isDouble ? Double(_sum)
        : Integer();

    private CelValue Average() =>
        _count == 0 ? CelValue.Null
        : _isText ? CelValue.String(_sum.Divide(_count, _sum.Scale + TextPlaces).Trim(_sum.Scale).ToString())
        : Double(_sum.Divide(_count, _sum.Scale + DoublePlaces));

    private CelValue Integer() =>
        _sum.Digits >= long.MinValue && _sum.Digits <= long.MaxValue ? CelValue.Int((long)_sum.Digits)
        : _sum.Digits > 0 && _sum.Digits <= ulong.MaxValue ? CelValue.Uint((ulong)_sum.Digits)
        : throw expression.Failed(null, "the sum has more than 64 bits");

    private CelValue Double(ExactNumber number) =>
        double.IsFinite(number.ToDouble())
            ? CelValue.Double(number.ToDouble())
            : throw expression.Failed(null, "the sum is larger than a double can be");
}

/// <summary>
/// The least value (sign -1) or the greatest (1): by value if all values are numbers or texts of digits, by code point if all are texts.
/// Null is ignored.
/// </summary>
internal sealed class MinMaxAccumulator(string name, ItemExpression expression, int sign) : Accumulator(name)
{
    private (CelValue Value, ExactNumber Number)? _number;
    private CelValue? _text;
    private bool _hasNumber;
    private bool _hasOtherText;

    public override void Add(CelValue value, int item)
    {
        if (value.IsNull)
        {
            return;
        }

        var number = ExactNumber.From(value);
        if (number is { } found && (_number is null || Math.Sign(ExactNumber.Compare(found, _number.Value.Number)) == sign))
        {
            _number = (value, found);
        }

        if (value.Kind == CelKind.String)
        {
            _hasOtherText |= number is null;
            _text = _text is null || Math.Sign(CelComparison.Compare(value, _text.Value, out _)!.Value) == sign ? value : _text;
        }
        else if (number is not null)
        {
            _hasNumber = true;
        }
        else
        {
            throw expression.Failed(item, $"its value must be a number or text, not {CelTypes.DisplayName(value)}");
        }
    }

    public override CelValue GetResult() =>
        !_hasOtherText ? _number?.Value ?? CelValue.Null
        : _hasNumber ? throw expression.Failed(null, "some of its values are numbers and some are other text, which have no order")
        : _text!.Value;
}

internal sealed class DistinctAccumulator(string name) : Accumulator(name)
{
    private readonly HashSet<CelValue> _seen = [];
    private readonly List<CelValue> _values = [];

    public override void Add(CelValue value, int item)
    {
        if (_seen.Add(value))
        {
            _values.Add(value);
        }
    }

    public override CelValue GetResult() => CelValue.List(_values);
}

internal sealed class FirstOrLastAccumulator(string name, bool isFirst) : Accumulator(name)
{
    private CelValue _value;
    private bool _hasValue;

    public override void Add(CelValue value, int item)
    {
        if (!isFirst || !_hasValue)
        {
            _value = value;
            _hasValue = true;
        }
    }

    public override CelValue GetResult() => _value;
}
