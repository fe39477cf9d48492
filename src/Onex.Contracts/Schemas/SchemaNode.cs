using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Patterns;

namespace Onex.Contracts.Schemas;

/// <summary>JSON's types, as a set.</summary>
[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,
    Number = 8,
    String = 16,
    Array = 32,
    Object = 64,
}

/// <summary>A schema with its compiled keywords. The reader fills it once; it may refer to itself.</summary>
internal sealed class SchemaNode
{
    /// <summary>Whether it is the schema <c>false</c>, which no value matches.</summary>
    public bool Never { get; set; }

    /// <summary>The types that <c>type</c> allows; <see cref="JsonTypes.None"/> without the keyword: then all are allowed.</summary>
    public JsonTypes Types { get; set; }

    public SchemaNode? Reference { get; set; }

    public Dictionary<string, SchemaNode>? Properties { get; set; }

    public IReadOnlyList<string> Required { get; set; } = [];

    /// <summary>Schemas of properties by pattern of their names.</summary>
    public IReadOnlyList<(Pattern Name, SchemaNode Schema)> PatternProperties { get; set; } = [];

    public SchemaNode? AdditionalProperties { get; set; }

    public SchemaNode? PropertyNames { get; set; }

    /// <summary>The properties that a property requires.</summary>
    public Dictionary<string, IReadOnlyList<string>>? DependentRequired { get; set; }

    /// <summary>The schemas that apply if a property exists.</summary>
    public Dictionary<string, SchemaNode>? DependentSchemas { get; set; }

    public IReadOnlyList<SchemaNode> PrefixItems { get; set; } = [];

    /// <summary>The schema of the items after <see cref="PrefixItems"/>.</summary>
    public SchemaNode? Items { get; set; }

    public SchemaNode? Contains { get; set; }

    public long? MinContains { get; set; }

    public long? MaxContains { get; set; }

    public IReadOnlyList<CelValue>? Enum { get; set; }

    public CelValue? Const { get; set; }

    public CelValue? Minimum { get; set; }

    public CelValue? Maximum { get; set; }

    public CelValue? ExclusiveMinimum { get; set; }

    public CelValue? ExclusiveMaximum { get; set; }

    public CelValue? MultipleOf { get; set; }

    public long? MinLength { get; set; }

    public long? MaxLength { get; set; }

    public Pattern? Pattern { get; set; }

    /// <summary>The pattern as the schema writes it.</summary>
    public string? PatternText { get; set; }

    public string? Format { get; set; }

    public long? MinItems { get; set; }

    public long? MaxItems { get; set; }

    public bool UniqueItems { get; set; }

    public long? MinProperties { get; set; }

    public long? MaxProperties { get; set; }

    public IReadOnlyList<SchemaNode> AllOf { get; set; } = [];

    public IReadOnlyList<SchemaNode> AnyOf { get; set; } = [];

    public IReadOnlyList<SchemaNode> OneOf { get; set; } = [];

    public SchemaNode? Not { get; set; }

    public SchemaNode? If { get; set; }

    public SchemaNode? Then { get; set; }

    public SchemaNode? Else { get; set; }
}
