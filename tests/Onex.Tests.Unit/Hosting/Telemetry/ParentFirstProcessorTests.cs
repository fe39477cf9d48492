using System.Diagnostics;
using Onex.Hosting.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace Onex.Tests.Unit.Hosting.Telemetry;

[Collection("Listeners to spans")]
public sealed class ParentFirstProcessorTests
{
    [Fact]
    public void A_span_is_exported_before_its_children()
    {
        var exported = new List<string>();
        using var provider = Sdk.CreateTracerProviderBuilder()
            .AddSource(Tracing.Source.Name)
            .AddProcessor(new ParentFirstProcessor(new Recorder(exported)))
            .Build();
        var root = Tracing.Start("root", ActivityKind.Internal, default)!;
        var first = Tracing.StartChild("first", ActivityKind.Internal, root)!;
        var inner = Tracing.StartChild("inner", ActivityKind.Internal, first)!;
        var late = Tracing.StartChild("late", ActivityKind.Internal, root)!;

        Tracing.End(inner);
        Tracing.End(first);
        Assert.Empty(exported);

        Tracing.End(root);
        Assert.Equal(["root", "first", "inner"], exported);

        Tracing.End(late);
        Assert.Equal("late", exported[^1]);
    }

    private sealed class Recorder(List<string> exported) : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data) => exported.Add(data.OperationName);
    }
}
