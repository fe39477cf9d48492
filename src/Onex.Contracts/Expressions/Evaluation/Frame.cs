using System.Runtime.InteropServices;

namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>A piece of an expression, ready to run.</summary>
internal delegate CelValue Code(ref Frame frame);

/// <summary>What one evaluation has: the names, the variables of its comprehensions, and what it may still spend.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct Frame(IExpressionScope scope, CelValue[]? locals, int budget)
{
    public readonly IExpressionScope Scope = scope;
    public readonly CelValue[]? Locals = locals;

    /// <summary>Cost units left; below zero the whole evaluation has failed, whatever its parts say.</summary>
    public long Left = budget;

    /// <summary>Spends units; false if there are not as many.</summary>
    public bool Spend(long units)
    {
        Left = Left < 0 ? Left : Left - units;
        return Left >= 0;
    }
}
