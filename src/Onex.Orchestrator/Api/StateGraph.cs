using System.Text;
using Onex.Contracts.Plans;

namespace Onex.Orchestrator.Api;

/// <summary>A contract's states and the ways between them, drawn from the plan.</summary>
internal static class StateGraph
{
    /// <summary>A way from a state, and by what it is taken.</summary>
    public sealed record Way(string From, string To, string By);

    /// <summary>The ways out of a state, those of the contract's any_state, deadline and on_failure left out.</summary>
    public static IEnumerable<Way> Ways(Plan plan, StatePlan state) =>
    [
        .. state.Choices.Select(choice => new Way(state.Name, choice.Next, choice.When?.Text ?? "")),
        .. state.OnEvent.Where(rule => !rule.Stay).Select(rule => new Way(state.Name, rule.Next!, rule.Event)),
        .. state.Timeout is { } timeout ? new[] { new Way(state.Name, timeout.Next, "timeout") } : [],
        .. state.AllSteps.SelectMany(step => step.Catch).Concat(state.Catch).Select(rule => new Way(state.Name, rule.Next, rule.Errors.IsEmpty ? "failure" : string.Join(", ", rule.Errors))),
    ];

    /// <summary>A Mermaid state diagram.</summary>
    public static string Mermaid(Plan plan)
    {
        var text = new StringBuilder("stateDiagram-v2\n");
        text.Append($"    [*] --> {Id(plan.Initial)}\n");
        foreach (var state in plan.States)
        {
            text.Append($"    state \"{Quote(state.Name)}\" as {Id(state.Name)}\n");
            foreach (var ways in Ways(plan, state).GroupBy(way => way.To, StringComparer.Ordinal))
            {
                var by = string.Join(" / ", ways.Select(way => way.By).Where(label => label.Length > 0).Distinct(StringComparer.Ordinal));
                text.Append($"    {Id(state.Name)} --> {Id(ways.Key)}{(by.Length == 0 ? "" : " : " + Quote(by))}\n");
            }

            if (state.Kind == StateKind.End)
            {
                text.Append($"    {Id(state.Name)} --> [*]\n");
            }
        }

        return text.ToString();
    }

    // Mermaid's identifiers know no dashes.
    private static string Id(string name) => "s_" + name.Replace('-', '_');

    private static string Quote(string text) => text.Replace("\"", "'", StringComparison.Ordinal).Replace("\n", " ", StringComparison.Ordinal).Replace(":", "#58;", StringComparison.Ordinal);
}
