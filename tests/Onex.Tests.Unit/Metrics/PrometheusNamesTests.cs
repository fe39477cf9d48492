using Onex.Metrics;

namespace Onex.Tests.Unit.Metrics;

/// <summary>Names as Prometheus has them.</summary>
public sealed class PrometheusNamesTests
{
    [Theory]
    [InlineData("onex.saga.started", "{saga}", true, "onex_saga_started_total")]
    [InlineData("onex.step.duration", "s", false, "onex_step_duration_seconds")]
    [InlineData("onex.history.size", "By", false, "onex_history_size_bytes")]
    [InlineData("dotnet.process.cpu.time", "s", true, "dotnet_process_cpu_time_seconds_total")]
    [InlineData("share", "1", false, "share_ratio")]
    [InlineData("share", "1", true, "share_total")]
    [InlineData("requests", null, true, "requests_total")]
    public void A_metric_has_its_unit_as_a_suffix(string name, string? unit, bool isCounter, string expected) =>
        Assert.Equal(expected, PrometheusNames.For(name, unit, isCounter));
}
