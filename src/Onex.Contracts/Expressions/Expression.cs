namespace Onex.Contracts.Expressions;

/// <summary>The names that an expression may read, with their values.</summary>
public interface IExpressionScope
{
    /// <summary>
    /// The value of a name in scope (<c>input</c>, <c>data</c>, <c>steps</c>, <c>result</c>, <c>fault</c>, <c>saga</c>, <c>now</c>), or
    /// false if there is none.
    /// </summary>
    bool TryGet(string name, out CelValue value);
}

/// <summary>A parsed CEL expression. Immutable; evaluation has no side effects.</summary>
public sealed class Expression
{
    /// <summary>The text that it was parsed from.</summary>
    public string Text => throw new NotImplementedException();

    /// <summary>
    /// The value in that scope. Never throws: a failure is a value of kind <see cref="CelKind.Error"/>, with text for people.
    /// </summary>
    public CelValue Evaluate(IExpressionScope scope) => throw new NotImplementedException();
}
