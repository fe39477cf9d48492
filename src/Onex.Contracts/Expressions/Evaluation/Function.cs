using Onex.Contracts.Expressions.Checking;

namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>The implementation of a function. None of its arguments is an error.</summary>
internal delegate CelValue FunctionBody(ref Frame frame, ReadOnlySpan<CelValue> arguments);

/// <summary>A function of the language.</summary>
/// <param name="Name">Its name, with its namespace if it has one.</param>
/// <param name="Global">Whether <c>f(a)</c> is allowed.</param>
/// <param name="Member">Whether <c>a.f()</c> is allowed.</param>
/// <param name="Least">The minimum of arguments, including the target.</param>
/// <param name="Most">The maximum of arguments, including the target.</param>
/// <param name="Usage">An example of its use, for messages.</param>
/// <param name="Types">Its signatures, the target first if it has one, separated by semicolons.</param>
/// <param name="Run">Its implementation.</param>
internal sealed record Function(string Name, bool Global, bool Member, int Least, int Most, string Usage, string Types, FunctionBody Run)
{
    /// <summary>Its overloads.</summary>
    public IReadOnlyList<Signature> Signatures { get; } = [.. Types.Split("; ").Select(text => new Signature(text))];

    public bool Takes(int count, bool isMember) => (isMember ? Member : Global) && count >= Least && count <= Most;
}
