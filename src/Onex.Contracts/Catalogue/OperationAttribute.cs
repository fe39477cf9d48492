using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Onex.Contracts.Catalogue;

/// <summary>
/// Names an operation on the class that runs it; a class that runs several carries it several times. The catalogue's entry is made from it
/// and from the properties of the argument and result types.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class OperationAttribute(string name) : Attribute
{
    /// <summary><c>http.post</c>, <c>hash.sha256</c>.</summary>
    public string Name { get; } = name;

    /// <summary>One sentence, for editors and documents.</summary>
    public required string Description { get; init; }

    /// <summary>Whether a step that runs it needs a compensation.</summary>
    public bool ChangesWorld { get; init; }

    /// <summary>The type of connection that it goes through, or null if it takes none.</summary>
    public string? ConnectionType { get; init; }

    /// <summary>The entries for the operations that a class runs, in the order of its attributes.</summary>
    /// <param name="operation">The class.</param>
    /// <param name="role">Who runs it.</param>
    /// <param name="arguments">Its properties are the arguments: <c>required</c> ones must be there.</param>
    /// <param name="result">Its properties are the fields of the result; those of a dictionary are unknown.</param>
    public static IEnumerable<OperationDescriptor> Describe(Type operation, OperationRole role, Type arguments, Type result)
    {
        var nullability = new NullabilityInfoContext();
        ArgumentDescriptor[] described = [.. Fields(arguments).Select(Argument)];
        var fields = DictionaryValue(result) is null
            ? Fields(result).ToDictionary(KeyOf, field => TypeOf(field, nullability), StringComparer.Ordinal)
            : [];

        return operation.GetCustomAttributes<OperationAttribute>(inherit: false).Select(attribute => new OperationDescriptor(
            attribute.Name, role, attribute.ConnectionType, attribute.ChangesWorld, described, AnyArguments: false, fields,
            attribute.Description));
    }

    private static IEnumerable<PropertyInfo> Fields(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite);

    private static string KeyOf(PropertyInfo property) => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);

    private static ArgumentDescriptor Argument(PropertyInfo property)
    {
        var argument = property.GetCustomAttribute<ArgumentAttribute>()
            ?? throw new InvalidOperationException($"{property.DeclaringType}.{property.Name} has no [Argument].");
        return new ArgumentDescriptor(
            KeyOf(property),
            property.IsDefined(typeof(RequiredMemberAttribute)),
            ShortForm(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType),
            argument.Filling,
            argument.Description);
    }

    private static string TypeOf(PropertyInfo property, NullabilityInfoContext nullability)
    {
        var form = ShortForm(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType);
        return form != "any" && nullability.Create(property).ReadState == NullabilityState.Nullable ? form + "?" : form;
    }

    private static string ShortForm(Type type) =>
        type == typeof(string) ? "string"
        : type == typeof(bool) ? "bool"
        : type == typeof(int) || type == typeof(long) ? "int"
        : type == typeof(double) ? "double"
        : type == typeof(JsonElement) ? "any"
        : DictionaryValue(type) is { } value ? $"map({ShortForm(value)})"
        : throw new InvalidOperationException($"{type} has no short form.");

    private static Type? DictionaryValue(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>) ? type.GetGenericArguments()[1] : null;
}

/// <summary>Describes an argument on the property that holds it.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ArgumentAttribute(string description) : Attribute
{
    /// <summary>One sentence, for editors and documents.</summary>
    public string Description { get; } = description;

    /// <summary>What may fill it.</summary>
    public ArgumentFilling Filling { get; init; }
}
