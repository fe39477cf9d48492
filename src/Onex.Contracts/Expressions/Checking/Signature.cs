using System.Collections.Immutable;

namespace Onex.Contracts.Expressions.Checking;

/// <summary>
/// An overload of a function or an operator: <c>(list(A), string) -> string</c>. A capital letter is a type parameter; <c>number</c> is an
/// int, a uint or a double; <c>...</c> lets the last argument occur more than once.
/// </summary>
internal sealed class Signature
{
    private const string Arrow = " -> ";
    private readonly ImmutableArray<Parameter> _parameters;
    private readonly Parameter _result;
    private readonly bool _repeatsLast;
    private readonly string _text;

    public Signature(string text)
    {
        _text = text;
        var arrow = text.IndexOf(Arrow, StringComparison.Ordinal);
        _repeatsLast = text[..arrow].EndsWith("...)", StringComparison.Ordinal);
        var at = 1;
        var parameters = ImmutableArray.CreateBuilder<Parameter>();
        while (text[at] != ')' && text[at] != '.')
        {
            parameters.Add(Parameter.Read(text, ref at));
            at += text[at] == ',' ? 2 : 0;
        }

        _parameters = parameters.ToImmutable();
        at = arrow + Arrow.Length;
        _result = Parameter.Read(text, ref at);
    }

    /// <summary>The text of its arguments: <c>(list(A), string)</c>.</summary>
    public string Arguments => _text[.._text.IndexOf(Arrow, StringComparison.Ordinal)];

    /// <summary>The type of the result for the arguments; null if they do not match.</summary>
    public CelType? Apply(ReadOnlySpan<CelType> arguments)
    {
        if (arguments.Length < _parameters.Length || (arguments.Length > _parameters.Length && !_repeatsLast))
        {
            return null;
        }

        Dictionary<char, CelType>? bound = null;
        for (var i = 0; i < arguments.Length; i++)
        {
            if (!Accepts(_parameters[Math.Min(i, _parameters.Length - 1)], arguments[i], ref bound))
            {
                return null;
            }
        }

        return Substitute(_result, bound);
    }

    public override string ToString() => _text;

    private static bool Accepts(Parameter parameter, CelType argument, ref Dictionary<char, CelType>? bound)
    {
        if (parameter.Variable != '\0')
        {
            return Bind(parameter.Variable, argument, bound ??= []);
        }

        var plain = argument.Plain;
        switch (parameter.Name)
        {
            case "number":
                return plain.IsDyn || plain.IsNumber;
            case "list" or "optional" when plain.IsDyn:
                return Accepts(parameter.Parts[0], plain, ref bound);
            case "list":
                return plain is CelType.ListOf list && Accepts(parameter.Parts[0], list.Item, ref bound);
            case "optional":
                return plain is CelType.OptionalOf optional && Accepts(parameter.Parts[0], optional.Value, ref bound);
            case "map":
                return plain switch
                {
                    CelType.MapOf map =>
                        Accepts(parameter.Parts[0], map.Key, ref bound) && Accepts(parameter.Parts[1], map.Value, ref bound),
                    CelType.ObjectOf =>
                        Accepts(parameter.Parts[0], CelType.Text, ref bound) && Accepts(parameter.Parts[1], CelType.Dyn, ref bound),
                    _ => plain.IsDyn && Accepts(parameter.Parts[0], plain, ref bound) && Accepts(parameter.Parts[1], plain, ref bound),
                };
            default:
                return TypeRules.Fits(argument, parameter.Type!);
        }
    }

    // Widens the type of the variable to the argument; false if neither fits the other. Numbers always fit: different types make it dyn.
    private static bool Bind(char variable, CelType argument, Dictionary<char, CelType> bound)
    {
        if (!bound.TryGetValue(variable, out var before) || before is CelType.NothingType)
        {
            bound[variable] = argument;
            return true;
        }

        if (TypeRules.Fits(argument, before) || TypeRules.Fits(before, argument))
        {
            bound[variable] = TypeRules.Common(before, argument) ?? CelType.Dyn;
            return true;
        }

        bound[variable] = CelType.Dyn;
        return before.Plain.IsNumber && argument.Plain.IsNumber;
    }

    private static CelType Substitute(Parameter parameter, Dictionary<char, CelType>? bound) => parameter switch
    {
        { Variable: not '\0' } => bound is not null && bound.TryGetValue(parameter.Variable, out var type) ? type : CelType.Nothing,
        { Name: "list" } => new CelType.ListOf(Substitute(parameter.Parts[0], bound)),
        { Name: "optional" } => new CelType.OptionalOf(Substitute(parameter.Parts[0], bound)),
        { Name: "map" } => new CelType.MapOf(Substitute(parameter.Parts[0], bound), Substitute(parameter.Parts[1], bound)),
        _ => parameter.Type!,
    };

    /// <summary>The type of an argument or of the result, as a signature writes it.</summary>
    private sealed record Parameter(string Name, char Variable, CelType? Type, ImmutableArray<Parameter> Parts)
    {
        public static Parameter Read(string text, ref int at)
        {
            var start = at;
            while (at < text.Length && char.IsAsciiLetter(text[at]))
            {
                at++;
            }

            var name = text[start..at];
            var parts = ImmutableArray.CreateBuilder<Parameter>();
            if (at < text.Length && text[at] == '(')
            {
                do
                {
                    at += text[at] == ',' ? 2 : 1;
                    parts.Add(Read(text, ref at));
                }
                while (text[at] == ',');
                at++;
            }

            var variable = name.Length == 1 ? name[0] : '\0';
            return new Parameter(name, variable, variable == '\0' ? TypeNamed(name) : null, parts.ToImmutable());
        }

        private static CelType? TypeNamed(string name) => name switch
        {
            "null" => CelType.Null,
            "bool" => CelType.Bool,
            "int" => CelType.Int,
            "uint" => CelType.Uint,
            "double" => CelType.Double,
            "string" => CelType.Text,
            "bytes" => CelType.Bytes,
            "timestamp" => CelType.Timestamp,
            "duration" => CelType.Duration,
            "type" => CelType.Type,
            "dyn" => CelType.Dyn,
            "list" or "map" or "optional" or "number" => null,
            _ => throw new InvalidOperationException($"There is no type '{name}' for a signature."),
        };
    }
}
