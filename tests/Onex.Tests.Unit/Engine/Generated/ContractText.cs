using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.RegularExpressions;

namespace Onex.Tests.Unit.Engine.Generated;

/// <summary>A YAML map under construction that keeps the order of its keys.</summary>
internal sealed class ContractMap : List<(string Key, object Value)>
{
    public ContractMap With(string key, object? value)
    {
        if (value is not (null or List<object> { Count: 0 } or ContractMap { Count: 0 }))
        {
            Add((key, value));
        }

        return this;
    }

    /// <summary>Adds the key even if the value is empty.</summary>
    public ContractMap WithEmpty(string key, object value)
    {
        Add((key, value));
        return this;
    }
}

/// <summary>Writes maps, lists and scalars as YAML.</summary>
internal static partial class ContractText
{
    private static readonly JsonSerializerOptions _quoting = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(ContractMap contract)
    {
        var text = new StringBuilder();
        Write(text, contract, 0);
        return text.ToString();
    }

    private static void Write(StringBuilder text, ContractMap map, int indent)
    {
        foreach (var (key, value) in map)
        {
            text.Append(' ', indent).Append(Scalar(key)).Append(':');
            Write(text, value, indent + 2);
        }
    }

    private static void Write(StringBuilder text, object value, int indent)
    {
        switch (value)
        {
            case ContractMap { Count: 0 }:
                text.AppendLine(" {}");
                break;
            case ContractMap map:
                text.AppendLine();
                Write(text, map, indent);
                break;
            case List<object> { Count: 0 }:
                text.AppendLine(" []");
                break;
            case List<object> list:
                text.AppendLine();
                foreach (var item in list)
                {
                    text.Append(' ', indent).Append('-');
                    Write(text, item, indent + 2);
                }

                break;
            default:
                text.Append(' ').AppendLine(Scalar(value));
                break;
        }
    }

    private static string Scalar(object value) => value switch
    {
        bool flag => flag ? "true" : "false",
        string word when Word().IsMatch(word) && word is not ("true" or "false" or "null") => word,
        string other => JsonSerializer.Serialize(other, _quoting),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_.-]*\z", RegexOptions.NonBacktracking)]
    private static partial Regex Word();
}
