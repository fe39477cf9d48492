using System.Runtime.InteropServices;

namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>A compiled part of an expression.</summary>
internal delegate CelValue Code(ref Frame frame);

/// <summary>The state of one evaluation: its scope, the variables of its comprehensions, and its remaining budget.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct Frame(IExpressionScope scope, CelValue[]? locals, int budget)
{
    public readonly IExpressionScope Scope = scope;
    public readonly CelValue[]? Locals = locals;

    /// <summary>The remaining cost units; below zero the whole evaluation has failed.</summary>
    public long Left = budget;

    /// <summary>Spends units; false if the budget is exceeded.</summary>
    public bool Spend(long units)
    {
        Left = Left < 0 ? Left : Left - units;
        return Left >= 0;
    }
}
