using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Onex.Hosting.Logging;

namespace Onex.Tests.Unit.Hosting.Logging;

public sealed class LogFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("onex-logs-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 4, 5, 6, 7, 89, TimeSpan.Zero));
    private readonly StringWriter _errors = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Each_host_has_a_separate_file_of_JSON_lines()
    {
        var logs = Path.Combine(_directory, "made", "when", "needed");
        foreach (var host in new[] { "worker-a", "worker-b" })
        {
            using var file = new LogFile(logs, _time, _errors, host);
            file.SetScopeProvider(new LoggerExternalScopeProvider());
            var logger = file.CreateLogger("Onex.Test");
            using var scope = logger.BeginScope(new Dictionary<string, object?>(StringComparer.Ordinal) { ["saga_id"] = "s-1" });
            logger.LogInformation("said by {Host}", host);
        }

        using var line = JsonDocument.Parse(Assert.Single(File.ReadAllLines(Path.Combine(logs, "worker-b.log"))));
        Assert.Equal("said by worker-b", line.RootElement.GetProperty("message").GetString());
        Assert.Equal("s-1", line.RootElement.GetProperty("saga_id").GetString());
        Assert.Single(File.ReadAllLines(Path.Combine(logs, "worker-a.log")));
        Assert.Empty(_errors.ToString());
    }

    [Fact]
    public void A_second_start_appends_to_the_file_of_the_first()
    {
        LogOnce("first");
        LogOnce("second");

        Assert.Equal(["first", "second"], Messages("host.log"));
    }

    [Fact]
    public void The_file_is_bounded_and_its_predecessor_is_kept()
    {
        using (var file = new LogFile(_directory, _time, _errors, "host", fileBytesMax: 1000))
        {
            var logger = file.CreateLogger("Onex.Test");
            for (var number = 1; number <= 100; number++)
            {
                logger.LogInformation("line {Number}", number);
            }
        }

        Assert.Equal(
            ["host.log", "host.log.1"], Directory.EnumerateFiles(_directory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Directory.EnumerateFiles(_directory), path => Assert.InRange(new FileInfo(path).Length, 1, 1200));
        Assert.Equal("line 100", Messages("host.log")[^1]);
    }

    [Fact]
    public void A_full_disk_costs_lines_and_causes_a_warning_but_no_failure()
    {
        // On Linux a write to this device fails as on a full disk.
        File.CreateSymbolicLink(Path.Combine(_directory, "host.log"), "/dev/full");
        using (var writer = new LogFileWriter(Path.Combine(_directory, "host.log"), 1000, _time, _errors))
        {
            writer.Write("lost\n", 0, flush: true);
            writer.Write("lost within the minute\n", 0, flush: true);
            Assert.Single(
                Warnings(),
                warning => warning.Contains("log lines cannot be written", StringComparison.Ordinal)
                    && warning.Contains("No space left", StringComparison.Ordinal));

            File.Delete(Path.Combine(_directory, "host.log"));
            _time.Advance(TimeSpan.FromMinutes(1));
            writer.Write("kept\n", droppedBefore: 3, flush: true);
        }

        Assert.Equal(["kept"], File.ReadAllLines(Path.Combine(_directory, "host.log")));
        Assert.Contains("5 log lines are missing", Warnings()[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_that_stderr_is_on_too_costs_only_lines()
    {
        File.CreateSymbolicLink(Path.Combine(_directory, "host.log"), "/dev/full");
        using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        var errors = new StreamWriter(full) { AutoFlush = true };
        using (var writer = new LogFileWriter(Path.Combine(_directory, "host.log"), 1000, _time, errors))
        {
            writer.Write("lost\n", 0, flush: true);
            File.Delete(Path.Combine(_directory, "host.log"));
            _time.Advance(TimeSpan.FromMinutes(1));
            writer.Write("kept\n", 0, flush: true);
            writer.Write("kept too\n", 0, flush: true);
        }

        Assert.Equal(["kept", "kept too"], File.ReadAllLines(Path.Combine(_directory, "host.log")));
    }

    [Fact]
    public void A_directory_that_cannot_be_created_causes_only_a_warning()
    {
        File.WriteAllText(Path.Combine(_directory, "file"), "");

        using (var file = new LogFile(Path.Combine(_directory, "file", "logs"), _time, _errors, "host"))
        {
            file.CreateLogger("Onex.Test").LogInformation("lost");
        }

        Assert.Single(Warnings());
    }

    [Fact]
    public void Two_writers_never_share_a_log_file()
    {
        using (var first = new LogFileWriter(Path.Combine(_directory, "host.log"), 1000, _time, _errors))
        using (var second = new LogFileWriter(Path.Combine(_directory, "host.log"), 1000, _time, _errors))
        {
            first.Write("first\n", 0, flush: true);
            second.Write("second\n", 0, flush: true);
        }

        Assert.Single(Warnings());
        Assert.Equal(["first"], File.ReadAllLines(Path.Combine(_directory, "host.log")));
    }

    [Fact]
    public void The_file_has_the_lines_of_the_console()
    {
        var services = new ServiceCollection()
            .AddLogging(logging => logging.AddOnexConsole(LogLevel.Information, "text").AddOnexFile(_directory))
            .BuildServiceProvider();
        using (services)
        {
            var logs = services.GetRequiredService<ILoggerFactory>();
            logs.CreateLogger("Onex.Test").LogDebug("below the minimum level");
            logs.CreateLogger("MassTransit").LogInformation("a line of a framework");
            logs.CreateLogger("Onex.Test").LogInformation("kept");
        }

        Assert.Equal(["kept"], Messages(Environment.MachineName + ".log"));
    }

    private void LogOnce(string message)
    {
        using var file = new LogFile(_directory, _time, _errors, "host");
        file.CreateLogger("Onex.Test").LogInformation("{Message}", message);
    }

    private List<string> Messages(string name) =>
    [
        .. File.ReadAllLines(Path.Combine(_directory, name)).Select(line =>
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.GetProperty("message").GetString()!;
        }),
    ];

    private string[] Warnings() => _errors.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
