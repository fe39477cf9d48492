using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Contracts.Catalogue;

/// <summary>Describes the operations that a class runs, from its attributes and from those of its argument and result types.</summary>
public static class OperationDescriber
{
    private const int DepthMax = 16;

    /// <summary>The entries for the operations that a class runs, in the order of its attributes.</summary>
    /// <param name="operation">The class.</param>
    /// <param name="role">The role that runs it.</param>
    /// <param name="arguments">The type whose properties are the arguments.</param>
    /// <param name="result">The type whose properties are the fields of the result. The fields of a dictionary are unknown.</param>
    /// <param name="package">The plug-in that contains the class; null for a built-in operation.</param>
    public static IEnumerable<OperationDescriptor> Describe(
        Type operation, OperationRole role, Type arguments, Type result, string? package = null)
    {
        var nullability = new NullabilityInfoContext();
        ArgumentDescriptor[] argumentDescriptors = [.. Fields(arguments).Select(argument => Argument(argument, nullability))];
        var resultFields = DictionaryValue(result) is null
            ? Fields(result).ToDictionary(KeyOf, field => TypeOf(field, nullability), StringComparer.Ordinal)
            : [];

        var meanings = resultFields.Count == 0
            ? []
            : Fields(result).ToDictionary(KeyOf, field => MeaningOf(field), StringComparer.Ordinal);

        return operation.GetCustomAttributes<OperationAttribute>(inherit: false).Select(attribute => new OperationDescriptor(
            attribute.Name, role, attribute.ConnectionType, attribute.ChangesWorld, argumentDescriptors, AnyArguments: false, resultFields,
            attribute.Description)
        {
            Idempotent = attribute.Idempotent,
            IsConnectionOptional = attribute.IsConnectionOptional,
            Ignored = attribute.Ignores is { } ignored ? [ignored] : [],
            ResultMeanings = meanings,
            Package = package,
            Rejections = attribute.Rejections?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
        });
    }

    private static IEnumerable<PropertyInfo> Fields(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite);

    private static string KeyOf(PropertyInfo property) => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);

    private static ArgumentDescriptor Argument(PropertyInfo property, NullabilityInfoContext nullability)
    {
        var argument = AttributeOf(property);
        var item = ListItem(property.PropertyType);
        return new ArgumentDescriptor(
            KeyOf(property),
            property.IsDefined(typeof(RequiredMemberAttribute)) || IsRequiredParameter(property),
            ShortForm(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, nullability),
            argument.Filling,
            argument.Description)
        {
            ReservedKeys = argument.ReservedKeys?.Split(',') ?? [],
            Default = argument.Default,
            Reads = argument.Reads?.Split(',') ?? [],
            ItemsOf = argument.ItemsOf,
            ConstantKeys = item is not null && IsRecord(item)
                ? [.. Fields(item).Where(field => AttributeOf(field).Filling == ArgumentFilling.Constant).Select(KeyOf)]
                : [],
        };
    }

    // A property of a positional record is required if its constructor parameter has no default.
    private static bool IsRequiredParameter(PropertyInfo property) => property.DeclaringType!.GetConstructors() is [var constructor]
        && constructor.GetParameters().Any(parameter => parameter.Name == property.Name && !parameter.HasDefaultValue);

    private static ArgumentAttribute AttributeOf(PropertyInfo property) => property.GetCustomAttribute<ArgumentAttribute>()
        ?? throw new InvalidOperationException($"{property.DeclaringType}.{property.Name} has no [Argument].");

    private static string MeaningOf(PropertyInfo property) => property.GetCustomAttribute<ResultAttribute>()?.Description
        ?? throw new InvalidOperationException($"{property.DeclaringType}.{property.Name} has no [Result].");

    private static string TypeOf(PropertyInfo property, NullabilityInfoContext nullability, int depth = 0)
    {
        var shortForm = property.GetCustomAttribute<JsonTypeAttribute>()?.ShortForm
            ?? ShortForm(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, nullability, depth);
        return shortForm != "any" && nullability.Create(property).ReadState == NullabilityState.Nullable ? shortForm + "?" : shortForm;
    }

    private static string ShortForm(Type type, NullabilityInfoContext nullability, int depth = 0) =>
        depth > DepthMax ? throw new InvalidOperationException($"{type} is nested deeper than {DepthMax} levels: it may contain itself.")
        : type == typeof(string) ? "string"
        : type == typeof(bool) ? "bool"
        : type == typeof(int) || type == typeof(long) ? "int"
        : type == typeof(double) ? "double"
        : type == typeof(JsonElement) || type == typeof(CelValue) ? "any"
        : DictionaryValue(type) is { } value ? $"map({ShortForm(value, nullability, depth + 1)})"
        : ListItem(type) is { } item ? $"list({ShortForm(item, nullability, depth + 1)})"
        : IsRecord(type)
            ? $"{{ {string.Join(", ", Fields(type).Select(field => $"{KeyOf(field)}: {TypeOf(field, nullability, depth + 1)}"))} }}"
        : throw new InvalidOperationException(
            $"{type} has no type in contracts: use string, bool, int, long, double, JsonElement, a record, IReadOnlyList or "
            + "IReadOnlyDictionary of these.");

    private static Type? DictionaryValue(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>) ? type.GetGenericArguments()[1] : null;

    private static Type? ListItem(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    private static bool IsRecord(Type type) => type.IsClass && !type.IsGenericType && Fields(type).Any();
}
