namespace Onex.Contracts.Expressions;

/// <summary>The names of types, as <c>type()</c> returns them and expressions use them.</summary>
internal static class CelTypes
{
    public const string Timestamp = "google.protobuf.Timestamp";
    public const string Duration = "google.protobuf.Duration";

    // In the order of CelKind. Expressions cannot name the last type, that of a failed evaluation.
    private static readonly string[] _byKind =
    [
        "null_type", "bool", "int", "uint", "double", "string", "bytes", "list", "map", Timestamp, Duration, "type", "optional_type",
        "error",
    ];

    public static string NameOf(CelValue value) => _byKind[(int)value.Kind];

    /// <summary>The name in error texts: <c>timestamp</c> for <c>google.protobuf.Timestamp</c>.</summary>
    public static string DisplayName(CelValue value) => value.Kind switch
    {
        CelKind.Null => "null",
        CelKind.Timestamp => "timestamp",
        CelKind.Duration => "duration",
        CelKind.Optional => "optional",
        _ => NameOf(value),
    };

    public static bool IsTypeName(string name) => name is not "error" && _byKind.Contains(name);
}
