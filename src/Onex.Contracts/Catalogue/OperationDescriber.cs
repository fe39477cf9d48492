using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Contracts.Catalogue;

/// <summary>Describes the operations that a class runs, from its attributes and from those of its argument and result types.</summary>
public static class OperationDescriber
{
    /// <summary>The entries for the operations that a class runs, in the order of its attributes.</summary>
    /// <param name="operation">The class.</param>
    /// <param name="role">The role that runs it.</param>
    /// <param name="arguments">The type whose properties are the arguments.</param>
    /// <param name="result">Its properties are the fields of the result; those of a dictionary are unknown.</param>
    public static IEnumerable<OperationDescriptor> Describe(Type operation, OperationRole role, Type arguments, Type result)
    {
        var nullability = new NullabilityInfoContext();
        ArgumentDescriptor[] described = [.. Fields(arguments).Select(argument => Argument(argument, nullability))];
        var fields = DictionaryValue(result) is null
            ? Fields(result).ToDictionary(KeyOf, field => TypeOf(field, nullability), StringComparer.Ordinal)
            : [];

        var meanings = fields.Count == 0
            ? []
            : Fields(result).ToDictionary(KeyOf, field => MeaningOf(field), StringComparer.Ordinal);

        return operation.GetCustomAttributes<OperationAttribute>(inherit: false).Select(attribute => new OperationDescriptor(
            attribute.Name, role, attribute.ConnectionType, attribute.ChangesWorld, described, AnyArguments: false, fields,
            attribute.Description)
        {
            Idempotent = attribute.Idempotent,
            IsConnectionOptional = attribute.IsConnectionOptional,
            Ignored = attribute.Ignores is { } ignored ? [ignored] : [],
            ResultMeanings = meanings,
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
            property.IsDefined(typeof(RequiredMemberAttribute)),
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

    private static ArgumentAttribute AttributeOf(PropertyInfo property) => property.GetCustomAttribute<ArgumentAttribute>()
        ?? throw new InvalidOperationException($"{property.DeclaringType}.{property.Name} has no [Argument].");

    private static string MeaningOf(PropertyInfo property) => property.GetCustomAttribute<ResultAttribute>()?.Description
        ?? throw new InvalidOperationException($"{property.DeclaringType}.{property.Name} has no [Result].");

    private static string TypeOf(PropertyInfo property, NullabilityInfoContext nullability)
    {
        var form = property.GetCustomAttribute<JsonTypeAttribute>()?.ShortForm
            ?? ShortForm(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, nullability);
        return form != "any" && nullability.Create(property).ReadState == NullabilityState.Nullable ? form + "?" : form;
    }

    private static string ShortForm(Type type, NullabilityInfoContext nullability) =>
        type == typeof(string) ? "string"
        : type == typeof(bool) ? "bool"
        : type == typeof(int) || type == typeof(long) ? "int"
        : type == typeof(double) ? "double"
        : type == typeof(JsonElement) || type == typeof(CelValue) ? "any"
        : DictionaryValue(type) is { } value ? $"map({ShortForm(value, nullability)})"
        : ListItem(type) is { } item ? $"list({ShortForm(item, nullability)})"
        : IsRecord(type) ? $"{{ {string.Join(", ", Fields(type).Select(field => $"{KeyOf(field)}: {TypeOf(field, nullability)}"))} }}"
        : throw new InvalidOperationException($"{type} has no short form.");

    private static Type? DictionaryValue(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>) ? type.GetGenericArguments()[1] : null;

    private static Type? ListItem(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    private static bool IsRecord(Type type) => type.IsClass && !type.IsGenericType && Fields(type).Any();
}
