namespace Onex.Operations;

/// <summary>Describes an argument, or a part of one, on the property that holds it.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ArgumentAttribute(string description) : Attribute
{
    /// <summary>A short text, for editors and documents.</summary>
    public string Description { get; } = description;

    /// <summary>How values may be inserted into it.</summary>
    public ArgumentFilling Filling { get; init; }

    /// <summary>The keys of a map that the runtime sets itself, separated by commas.</summary>
    public string? ReservedKeys { get; init; }

    /// <summary>The names that its expressions may read, separated by commas, if it holds expressions.</summary>
    public string? Reads { get; init; }

    /// <summary>The argument whose items are <c>item</c> in its expressions, or null.</summary>
    public string? ItemsOf { get; init; }

    /// <summary>Its default, for editors and documents; null if there is none.</summary>
    public string? Default { get; init; }
}
