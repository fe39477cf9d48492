using Onex.Contracts.Catalogue;
using Onex.Contracts.Plans;

namespace Onex.Runtime.Running;

/// <summary>Finds operations that contracts call and this version does not run yet. Such a step is rejected.</summary>
internal static class MissingOperations
{
    /// <summary>The contracts that call some, each with the operations and steps.</summary>
    public static IEnumerable<(Plan Plan, string Calls)> Of(IEnumerable<Plan> plans, OperationCatalogue operations) =>
        from plan in plans
        let calls = Calls(plan, operations).ToList()
        where calls.Count > 0
        select (plan, string.Join(", ", calls));

    private static IEnumerable<string> Calls(Plan plan, OperationCatalogue operations) =>
        from state in plan.States
        from call in state.Calls
        from each in new[] { (call.Invocation, Step: call.Id), (call.Compensation?.Invocation, Step: $"{call.Id}.compensate") }
        where each.Invocation is not null && operations.Find(each.Invocation.Operation) is { IsToCome: true }
        select $"{each.Invocation.Operation} (state '{state.Name}', step '{each.Step}')";
}
