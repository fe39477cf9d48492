using System.Text;
using Onex.Contracts.Graphs;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Orchestrator.Background;
using Onex.Orchestrator.Machines;

namespace Onex.Orchestrator.Api;

/// <summary>Calls about loaded contracts.</summary>
internal sealed class ContractCalls(PlanCatalogue catalogue, Scheduler scheduler)
{
    public Task ListAsync(ApiCall call) => call.AnswerAsync(200, writer =>
    {
        writer.WriteStartArray("contracts");
        foreach (
            var plan in catalogue.Loaded.OrderBy(plan => plan.Name, StringComparer.Ordinal)
                .ThenByDescending(plan => plan.Version, SemanticVersionOrder.Instance))
        {
            writer.WriteStartObject();
            writer.WriteString("name", plan.Name);
            writer.WriteString("version", plan.Version);
            writer.WriteString("hash", plan.Hash);
            writer.WriteString("description", plan.Description);
            if (plan.Schedule is { } schedule)
            {
                writer.WriteString("schedule", schedule.Text);
                if (scheduler.Next(plan) is { } next)
                {
                    writer.WriteString("next_at", next);
                }
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    public Task ShowAsync(ApiCall call)
    {
        var versions = FindVersions(call.Path("name"));
        var plan = versions[0];
        return call.AnswerAsync(200, writer =>
        {
            writer.WriteString("name", plan.Name);
            writer.WriteString("description", plan.Description);
            writer.WriteStartArray("versions");
            foreach (var version in versions)
            {
                writer.WriteStartObject();
                writer.WriteString("version", version.Version);
                writer.WriteString("hash", version.Hash);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteString("initial", plan.Initial);
            writer.WriteStartArray("states");
            foreach (var state in plan.States)
            {
                writer.WriteStartObject();
                writer.WriteString("name", state.Name);
                writer.WriteString("kind", state.Kind.ToString().ToLowerInvariant());
                if (state.End is { } end)
                {
                    writer.WriteString("end", end.ToString().ToLowerInvariant());
                }

                writer.WriteStartArray("steps");
                foreach (var step in state.AllSteps)
                {
                    writer.WriteStringValue(step.Id);
                }

                writer.WriteEndArray();
                writer.WriteStartArray("leads_to");
                foreach (
                    var next in PlanTransitions.OutOf(state).Where(transition => !transition.Stays).Select(transition => transition.To)
                        .Distinct(StringComparer.Ordinal))
                {
                    writer.WriteStringValue(next);
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteStartArray("events");
            foreach (var name in plan.Events.Keys.Order(StringComparer.Ordinal))
            {
                writer.WriteStringValue(name);
            }

            writer.WriteEndArray();
        });
    }

    public Task GraphAsync(ApiCall call) => call.AnswerAsync(
        200, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(ContractGraph.Mermaid(FindVersions(call.Path("name"))[0])));

    // The newest version first.
    private List<Plan> FindVersions(string name)
    {
        var plans = catalogue.Loaded;
        var versions = plans.Where(plan => plan.Name == name).OrderByDescending(plan => plan.Version, SemanticVersionOrder.Instance)
            .ToList();
        return versions.Count > 0
            ? versions
            : throw new CallException(
                404, ErrorCodes.ContractUnknown, $"No contract is called '{ApiCall.Clip(name)}'.",
                "Contracts here: "
                + string.Join(", ", plans.Select(plan => plan.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Take(20))
                + ".");
    }
}
