using Onex.Contracts.Expressions.Checking;

namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>The implementation of a function. None of its arguments is an error.</summary>
internal delegate CelValue FunctionBody(ref Frame frame, ReadOnlySpan<CelValue> arguments);

/// <summary>A function of the language.</summary>
/// <param name="Name">Its name, with its namespace if it has one.</param>
/// <param name="IsGlobal">Whether <c>f(a)</c> is allowed.</param>
/// <param name="IsMember">Whether <c>a.f()</c> is allowed.</param>
/// <param name="Min">The minimum of arguments, including the target <c>a</c> of <c>a.f()</c>.</param>
/// <param name="Max">The maximum of arguments, including the target.</param>
/// <param name="Usage">An example of its use, for messages.</param>
/// <param name="Types">Its signatures, separated by semicolons. A target is the first argument.</param>
/// <param name="Run">Its implementation.</param>
internal sealed record Function(string Name, bool IsGlobal, bool IsMember, int Min, int Max, string Usage, string Types, FunctionBody Run)
{
    /// <summary>Its overloads.</summary>
    public IReadOnlyList<Signature> Signatures { get; } = [.. Types.Split("; ").Select(text => new Signature(text))];

    /// <summary>Whether it can be called with that number of arguments, as <c>a.f()</c> or as <c>f(a)</c>.</summary>
    public bool Takes(int count, bool isMember) => (isMember ? IsMember : IsGlobal) && count >= Min && count <= Max;
}
