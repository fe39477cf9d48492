using Onex.Contracts.Catalogue;
using Onex.Contracts.Plans;

namespace Onex.Runtime.Running;

/// <summary>What contracts call that this version does not run yet: they are in order, but a saga that comes to such a step goes no further.</summary>
internal static class MissingOperations
{
    /// <summary>A line for each contract that calls some.</summary>
    public static IEnumerable<string> Warnings(IEnumerable<Plan> plans, OperationCatalogue operations) =>
        from plan in plans
        let calls = Calls(plan, operations).ToList()
        where calls.Count > 0
        select $"contract '{plan.Name}' {plan.Version} calls what this version does not run yet: {string.Join(", ", calls)}. "
            + "Such a step is rejected with the code operation_unavailable.";

    private static IEnumerable<string> Calls(Plan plan, OperationCatalogue operations) =>
        from state in plan.States
        from call in state.Calls
        from each in new[] { (call.Invocation, Step: call.Id), (call.Compensation?.Invocation, Step: $"{call.Id}.compensate") }
        where each.Invocation is not null && operations.Find(each.Invocation.Operation) is { IsToCome: true }
        select $"{each.Invocation.Operation} (state '{state.Name}', step '{each.Step}')";
}
