namespace Onex.Workers.Operations;

/// <summary>Limits of computes. The attempt's timeout bounds their time.</summary>
internal static class ComputeLimits
{
    /// <summary>The maximum size of a result in bytes of JSON.</summary>
    public const int ResultBytesMax = 50 * 1024 * 1024;

    /// <summary>The maximum number of rows that <c>join</c> makes.</summary>
    public const int JoinedRowsMax = 1_000_000;

    /// <summary>The maximum cost units of one evaluation of an expression over an item, as in the orchestrator.</summary>
    public const int ItemBudget = Contracts.Expressions.ExpressionLimits.Budget;

    /// <summary>The maximum cost units of one expression of <c>transform</c>: about 20 ms or 20 MB.</summary>
    public const int TransformBudget = 1_000_000;
}
