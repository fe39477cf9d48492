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

    /// <summary>The remaining cost units. Once they are below zero, the whole evaluation has failed.</summary>
    public long BudgetLeft = budget;

    /// <summary>Spends units; false if the budget is exceeded.</summary>
    public bool Spend(long units)
    {
        BudgetLeft = BudgetLeft < 0 ? BudgetLeft : BudgetLeft - units;
        return BudgetLeft >= 0;
    }
}
