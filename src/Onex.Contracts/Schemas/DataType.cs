using Onex.Contracts.Expressions;

namespace Onex.Contracts.Schemas;

/// <summary>A type of the short form: <c>string, bool, int, double, bytes, timestamp, duration, any, list(T), map(T), T?, { field: T }</c>.</summary>
public abstract record DataType
{
    /// <summary>
    /// Checks a value that came as JSON and gives it the type's own form (an int where <c>double</c> is asked for becomes a double, RFC 3339
    /// text a timestamp). On failure a JSON pointer and what is wrong.
    /// </summary>
    public bool TryConvert(CelValue value, out CelValue converted, out SchemaProblem? problem) => throw new NotImplementedException();
}
