using System.Diagnostics;
using System.Xml.Linq;
using Onex.Contracts.Graphs;
using Onex.Orchestrator.Machines;

namespace Onex.Tests.Unit.Contracts.Graphs;

/// <summary>Graphs of contracts show the states, named as in the state machine, and their transitions.</summary>
public sealed class GraphTests
{
    private static readonly Plan _onboarding = ContractCompiler
        .CompileDirectory(Repository.At("tests", "contracts", "valid", "onboarding"), TestCatalogue.Context)
        .Plans.Single();

    [Fact]
    public void The_boxes_are_the_states_of_the_plan()
    {
        var machine = new ContractMachine(_onboarding);

        Assert.Equal(
            machine.States.Select(state => state.Name).Except(["Initial", "Final"]).Order(StringComparer.Ordinal),
            GraphModel.From(_onboarding).Nodes
                .Where(
                    node => node.Kind is not (NodeKind.Start or NodeKind.AnyState)).Select(node => node.Id).Order(StringComparer.Ordinal));
        Assert.Equal(20, _onboarding.States.Length);
    }

    [Fact]
    public void Transitions_are_drawn_with_their_labels()
    {
        var labels = GraphModel.From(_onboarding).Edges.ToDictionary(
            edge => (edge.From, edge.To, edge.Kind), edge => string.Join(" / ", edge.Labels));

        Assert.Equal("input.country == \"CH\"", labels[("receiving", "checking_swiss", TransitionKind.Choice)]);
        Assert.Equal("otherwise", labels[("receiving", "checking", TransitionKind.Choice)]);
        Assert.Equal("http_404", labels[("checking_swiss", "asking_documents", TransitionKind.Failure)]);
        Assert.Equal("documents_received [event.count > 0]", labels[("asking_documents", "storing_documents", TransitionKind.Event)]);
        Assert.Equal("after 14d", labels[("asking_documents", "reminding", TransitionKind.Time)]);
        Assert.Equal("cancel [event.reason != \"\"]", labels[("any state", "unwinding", TransitionKind.Event)]);
        Assert.Equal("deadline 30d", labels[("any state", "unwinding", TransitionKind.Time)]);
        Assert.Equal("failure", labels[("any state", "unwinding", TransitionKind.Failure)]);
    }

    [Fact]
    public void An_event_that_leads_to_no_other_state_is_shown_in_the_box() =>
        Assert.Equal(["on beat"], GraphModel.From(_onboarding).Nodes.Single(node => node.Id == "asking_documents").Lines);

    [Fact]
    public void Boxes_and_labels_do_not_overlap()
    {
        var layout = LayeredLayout.Compute(
            GraphModel.From(_onboarding), _ => (120, 50), edge => (edge.Labels.Count * 80, edge.Labels.Count * 15));

        var elements = layout.Boxes.Values.Concat(layout.Routes.Select(route => route.Label).OfType<Element>()).ToList();
        for (var index = 0; index < elements.Count; index++)
        {
            Assert.DoesNotContain(elements.Skip(index + 1), other => Overlap(elements[index], other));
        }
    }

    private static bool Overlap(Element one, Element other)
    {
        const double RoundingError = 0.01;
        return Math.Abs(one.X - other.X) < ((one.Width + other.Width) / 2) - RoundingError
            && Math.Abs(one.Y - other.Y) < ((one.Height + other.Height) / 2) - RoundingError;
    }

    [Fact]
    public void All_arrows_point_down_except_back_edges() => Assert.Equal(
        ["escalating to manual_review"],
        LayeredLayout.Compute(GraphModel.From(_onboarding), _ => (120, 50), _ => (0, 0)).Routes
            .Where(route => route.Upwards).Select(route => $"{route.Edge.From} to {route.Edge.To}"));

    [Fact]
    public void The_SVG_is_XML_that_names_every_state()
    {
        var picture = XDocument.Parse(ContractGraph.Svg(_onboarding)!);

        var texts = picture.Descendants("{http://www.w3.org/2000/svg}text").Select(text => text.Value).ToHashSet();
        Assert.All(_onboarding.States, state => Assert.Contains(state.Name, texts));
    }

    [Fact]
    public void Expressions_are_escaped_as_text()
    {
        var plan = TestContracts.Compile("""
            initial: a
            states:
              a:
                choose:
                  - { when: 'input.x == "<b>&\"''\u0001;:#{}%" + "\n"', next: done }
                  - { next: done }
              done: { end: completed }
            """);

        _ = XDocument.Parse(ContractGraph.Svg(plan)!);
        Assert.Equal(1, ContractGraph.Dot(plan).Split('\n').Count(line => line.Contains("\"a\" -> \"done\"", StringComparison.Ordinal)));
        Assert.Contains("#60;b#62;", ContractGraph.Mermaid(plan), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_hundred_states_are_drawn_quickly_and_more_only_as_text()
    {
        var watch = Stopwatch.StartNew();
        Assert.NotNull(ContractGraph.Svg(Chain(200)));
        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(2), watch.Elapsed.ToString());

        Assert.Null(ContractGraph.Svg(Chain(201)));
        Assert.NotEmpty(ContractGraph.Mermaid(Chain(201)));
    }

    // Each state leads to the next, some to later ones, and some to earlier ones.
    private static Plan Chain(int states)
    {
        var text = new StringBuilder("initial: s1\nstates:\n");
        for (var number = 1; number < states - 2; number++)
        {
            text.Append(
                $"  s{number}:\n    steps: [{{ wait: 1s }}]\n    choose:\n      - {{ when: input.a == {number}, next: "
                    + $"s{Math.Min(states - 3, number + 7)} }}\n");
            text.Append(
                $"      - {{ when: input.b == {number}, next: s{Math.Max(1, number - 5)} }}\n      - {{ next: "
                    + $"{(number == states - 3 ? "done" : $"s{number + 1}")} }}\n");
        }

        return TestContracts.Compile(text.Append("  done: { end: completed }\n").ToString());
    }
}
