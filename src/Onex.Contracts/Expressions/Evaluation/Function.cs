using Onex.Contracts.Expressions.Checking;

namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>What a function does with its arguments, none of which is an error.</summary>
internal delegate CelValue FunctionBody(ref Frame frame, ReadOnlySpan<CelValue> arguments);

/// <summary>A function of the language.</summary>
/// <param name="Name">As it is called, with its namespace if it has one.</param>
/// <param name="Global">Whether <c>f(a)</c> is allowed.</param>
/// <param name="Member">Whether <c>a.f()</c> is allowed.</param>
/// <param name="Least">Arguments at least, what it is called on included.</param>
/// <param name="Most">Arguments at most, the same way.</param>
/// <param name="Usage">How it is written, for people.</param>
/// <param name="Types">What it takes and gives, the target first if it has one: overloads with a semicolon between.</param>
/// <param name="Run">What it does.</param>
internal sealed record Function(string Name, bool Global, bool Member, int Least, int Most, string Usage, string Types, FunctionBody Run)
{
    /// <summary>Its overloads.</summary>
    public IReadOnlyList<Signature> Signatures { get; } = [.. Types.Split("; ").Select(text => new Signature(text))];

    public bool Takes(int count, bool isMember) => (isMember ? Member : Global) && count >= Least && count <= Most;
}
