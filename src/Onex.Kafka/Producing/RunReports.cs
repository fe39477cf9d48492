using Onex.Contracts.Messages;

namespace Onex.Kafka.Producing;

/// <summary>
/// Reports on one run of an attempt, if its command asks for that. The first report says that it has begun, after a second (so a shorter
/// attempt costs none), or at once if the step has a heartbeat timeout. The next reports carry new progress, at most once a second.
/// </summary>
public sealed class RunReports : IDisposable
{
    /// <summary>The shortest time between two reports.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // The orchestrator also cuts a longer text.
    private const int TextMax = 500;

    private readonly ReportSender _sender;
    private readonly TimeProvider _time;
    private readonly StepCommand _command;
    private readonly TraceContext? _trace;
    private readonly ITimer? _timer;
    private readonly Lock _lock = new();
    private Guid? _run;
    private int _sent;
    private bool _hasProgress;
    private bool _ended;
    private double? _progress;
    private string? _text;

    internal RunReports(ReportSender sender, TimeProvider time, StepCommand command, TraceContext? trace)
    {
        _sender = sender;
        _time = time;
        _command = command;
        _trace = trace;
        if (command.Reports != true)
        {
            return;
        }

        if (command.HeartbeatMs is not null)
        {
            Send(StepReportKinds.Started, null, null);
        }

        _timer = time.CreateTimer(static reports => ((RunReports)reports!).Tick(), this, Interval, Interval);
    }

    /// <summary>Takes the progress of the attempt; it is sent with the next tick.</summary>
    public void Take(double? progress, string? text)
    {
        lock (_lock)
        {
            (_progress, _text, _hasProgress) = (progress, text, true);
        }
    }

    /// <summary>Ends the reports. None is sent afterwards.</summary>
    public void Dispose()
    {
        _timer?.Dispose();
        lock (_lock)
        {
            _ended = true;
        }
    }

    private void Tick()
    {
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }

            if (_sent == 0)
            {
                Send(StepReportKinds.Started, _hasProgress ? _progress : null, _hasProgress ? _text : null);
            }
            else if (_hasProgress)
            {
                Send(StepReportKinds.Progress, _progress, _text);
            }

            _hasProgress = false;
        }
    }

    // Most runs end before their first report, so its id is created with that report.
    private void Send(string report, double? progress, string? text) => _sender.Send(
        _command, _trace,
        Identity.ReportMessage(_command.CommandId, _command.Attempt, _run ??= Guid.CreateVersion7(_time.GetUtcNow()), ++_sent),
        report, progress, text is { Length: > TextMax } ? text[..TextMax] : text);
}
