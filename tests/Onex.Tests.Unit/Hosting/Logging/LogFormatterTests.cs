using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Time.Testing;
using Onex.Hosting.Logging;

namespace Onex.Tests.Unit.Hosting.Logging;

public sealed class LogFormatterTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 4, 5, 6, 7, 89, TimeSpan.Zero));
    private readonly LoggerExternalScopeProvider _scopes = new();

    [Fact]
    public void A_json_line_carries_the_ids_of_the_scopes_around_it()
    {
        using var saga = _scopes.Push(new Dictionary<string, object?>(StringComparer.Ordinal) { ["saga_id"] = "s-1", ["step"] = "outer" });
        using var step = _scopes.Push(
            new Dictionary<string, object?>(StringComparer.Ordinal) { ["step"] = "charge", ["Attempt"] = 2, ["level"] = "odd" });

        var line = Write(new JsonLogFormatter(_time), LogLevel.Warning, "line one\nline two", null);

        Assert.Equal(
            """{"timestamp":"2026-03-04T05:06:07.089Z","level":"WARNING","message":"line one"""
                + """\nline two","category":"Onex.Test","event_id":7,"saga_id":"s-1","step":"charge","attempt":2,"scope_level":"odd"}"""
                + "\n",
            line);
    }

    [Fact]
    public void A_json_line_about_a_command_carries_the_ids_of_command_saga_and_request()
    {
        var ids = Enumerable.Range(1, 3).Select(i => Guid.Parse($"018f2f6e-7a64-8cc4-9d3b-00000000000{i}")).ToList();
        using var scope = _scopes.Push(new CommandScope(new StepCommand
        {
            CommandId = new(ids[0]),
            SagaId = new(ids[1]),
            CorrelationId = ids[2],
            Attempt = 1,
            Contract = "c",
            Step = "s",
            Direction = StepDirections.Do,
            Operation = "http.get",
            HomePartition = 0,
            TimeoutMs = 1,
            NotAfter = default,
        }));

        Assert.Contains(
            $"\"saga_id\":\"{ids[1]}\",\"correlation_id\":\"{ids[2]}\",\"command_id\":\"{ids[0]}\"",
            Write(new JsonLogFormatter(_time), LogLevel.Warning, "text", null),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_json_line_carries_the_exception_with_its_causes_in_one_line()
    {
        var line = Write(
            new JsonLogFormatter(_time), LogLevel.Critical, "it broke", new InvalidOperationException("outer", new IOException("inner")));

        using var json = JsonDocument.Parse(line);
        var exception = json.RootElement.GetProperty("exception");
        Assert.Equal("CRITICAL", json.RootElement.GetProperty("level").GetString());
        Assert.Equal("System.InvalidOperationException", exception.GetProperty("type").GetString());
        Assert.Equal("outer", exception.GetProperty("message").GetString());
        Assert.Contains("inner", exception.GetProperty("stack").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, line.Count(character => character == '\n'));
    }

    [Fact]
    public void A_text_line_has_time_level_category_message_and_scope()
    {
        using var saga = _scopes.Push(new Dictionary<string, object?>(StringComparer.Ordinal) { ["saga_id"] = "s-1" });

        Assert.Equal(
            "2026-03-04T05:06:07.089Z INFO     Onex.Test: hello [saga_id=s-1]\n",
            Write(new TextLogFormatter(_time), LogLevel.Information, "hello", null));
    }

    [Theory]
    [InlineData("MassTransit", LogLevel.Information, LogLevel.Information, false)]
    [InlineData("MassTransit.ReceiveTransport", LogLevel.Warning, LogLevel.Information, true)]
    [InlineData("Microsoft.AspNetCore.Routing", LogLevel.Debug, LogLevel.Debug, true)]
    [InlineData("Microsoft.AspNetCore.Routing", LogLevel.Warning, LogLevel.Error, false)]
    [InlineData("Onex.Kafka", LogLevel.Information, LogLevel.Information, true)]
    [InlineData("MassTransitions", LogLevel.Information, LogLevel.Information, true)]
    public void Frameworks_log_from_warning_unless_debug_is_enabled(string category, LogLevel line, LogLevel minimum, bool shown) =>
        Assert.Equal(shown, LogLevels.IsShown(category, line, minimum));

    private string Write(ConsoleFormatter formatter, LogLevel level, string message, Exception? exception)
    {
        var text = new StringWriter();
        formatter.Write(new LogEntry<string>(level, "Onex.Test", new EventId(7), message, exception, (state, _) => state), _scopes, text);
        return text.ToString();
    }
}
