namespace Onex.Operations;

/// <summary>How values may be inserted into an argument.</summary>
public enum ArgumentFilling
{
    /// <summary>Any template; values are inserted unchanged.</summary>
    Value,

    /// <summary>Constant, without <c>${...}</c>.</summary>
    Constant,

    /// <summary>Text whose inserted values are percent-encoded and not empty (an HTTP path).</summary>
    PercentEncoded,

    /// <summary>A URL; values are inserted unchanged, and those before its query are not empty.</summary>
    Address,

    /// <summary>Bare expressions that the operation evaluates, over names of its own: <c>item</c>, <c>values</c>.</summary>
    Expression,
}
