using Onex.Contracts.Expressions;

namespace Onex.Contracts.Schemas;

/// <summary>Conversions between the types of numbers, because JSON has only one type for all of them.</summary>
internal static class Numbers
{
    public static bool IsNumber(CelValue value) => value.Kind is CelKind.Int or CelKind.Uint or CelKind.Double;

    public static double ToDouble(CelValue value) => value.Kind switch
    {
        CelKind.Int => value.AsInt(),
        CelKind.Uint => value.AsUint(),
        _ => value.AsDouble(),
    };

    /// <summary>Converts the number to an int if it is whole and fits, as 3.0 does.</summary>
    public static bool TryWhole(CelValue value, out long whole)
    {
        const double TwoToThe63 = 9223372036854775808.0;
        switch (value.Kind)
        {
            case CelKind.Int:
                whole = value.AsInt();
                return true;
            case CelKind.Uint when value.AsUint() <= long.MaxValue:
                whole = (long)value.AsUint();
                return true;
            case CelKind.Double when double.IsInteger(value.AsDouble()) && value.AsDouble() is >= -TwoToThe63 and < TwoToThe63:
                whole = (long)value.AsDouble();
                return true;
            default:
                whole = 0;
                return false;
        }
    }
}
