using Microsoft.Extensions.Time.Testing;
using Onex.Hosting.Telemetry;

namespace Onex.Tests.Unit.Hosting.Telemetry;

public sealed class ExportFailuresTests
{
    [Fact]
    public void An_outage_of_the_collector_is_one_warning()
    {
        var lines = new LogLines<ExportFailures>();
        var time = new FakeTimeProvider();
        using var failures = new ExportFailures(lines, time);

        for (var i = 0; i < 100; i++)
        {
            failures.Report($"connection refused {i}");
            time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal("Warning: Telemetry cannot be exported, and is dropped: connection refused 0", Assert.Single(lines.All));

        time.Advance(ExportFailures.Quiet);
        failures.Report("connection refused later");

        Assert.Equal(2, lines.All.Count);
    }
}
