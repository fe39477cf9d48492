namespace Onex.Operations;

/// <summary>
/// Names an operation on the class that runs it; a class that runs several operations has several. The entry in the catalogue is made from
/// it and from the properties of the argument and result types.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class OperationAttribute(string name) : Attribute
{
    /// <summary>The operation's name: <c>http.post</c>, <c>hash.sha256</c>.</summary>
    public string Name { get; } = name;

    /// <summary>A short text, for editors and documents.</summary>
    public required string Description { get; init; }

    /// <summary>Whether it changes something outside of Onex: a step that runs it before the pivot needs <c>compensate</c>.</summary>
    public bool ChangesWorld { get; init; }

    /// <summary>Whether running it again under the same key has no further effect, even if the service ignores the key.</summary>
    public bool Idempotent { get; init; }

    /// <summary>The type of connection that it goes through, or null if it takes none.</summary>
    public string? ConnectionType { get; init; }

    /// <summary>Whether it also runs without a connection.</summary>
    public bool IsConnectionOptional { get; init; }

    /// <summary>
    /// The codes with which an operation of a plug-in is rejected, separated by commas: a contract that catches another one gets a
    /// warning. Null if they are not known.
    /// </summary>
    public string? Rejections { get; init; }

    /// <summary>An argument that causes a warning, because services ignore or reject it (the body of a GET); or null.</summary>
    public string? Ignores { get; init; }
}
