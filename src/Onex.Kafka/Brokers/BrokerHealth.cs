using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Logging;

namespace Onex.Kafka.Brokers;

/// <summary>
/// Whether a broker answers, from a probe of its own every half second, so that nobody who asks ever waits. Says in the log once when the
/// broker goes away and once when it is back, whatever the number of clients that notice.
/// </summary>
public sealed class BrokerHealth : IDisposable
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(1);

    // Two probes may be lost before we call it away, and it is still told within two seconds.
    private static readonly TimeSpan _staleAfter = TimeSpan.FromMilliseconds(1600);

    private readonly BrokerAdmin _admin;
    private readonly TimeProvider _time;
    private readonly ILogger<BrokerHealth> _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private Task? _probing;
    private long _answeredAt;
    private bool _answered;
    private bool _saidAway;
    private string? _clientError;
    private string? _lastError = "No broker has answered yet.";
    private TimeSpan? _latency;

    internal BrokerHealth(BrokerAdmin admin, TimeProvider time, ILogger<BrokerHealth> logger)
    {
        _admin = admin;
        _time = time;
        _logger = logger;
    }

    /// <summary>Whether a broker answered within the last moments.</summary>
    public bool IsReachable
    {
        get
        {
            lock (_lock)
            {
                return _answered && _time.GetElapsedTime(_answeredAt) <= _staleAfter;
            }
        }
    }

    /// <summary>Why it is not reachable, or null.</summary>
    public string? LastError
    {
        get
        {
            lock (_lock)
            {
                return _answered && _time.GetElapsedTime(_answeredAt) <= _staleAfter ? null : _lastError ?? _clientError ?? "No answer.";
            }
        }
    }

    /// <summary>How long the last answer took, or null before the first.</summary>
    public TimeSpan? Latency
    {
        get
        {
            lock (_lock)
            {
                return _latency;
            }
        }
    }

    /// <summary>Begins to probe; further calls do nothing.</summary>
    public void Start()
    {
        lock (_lock)
        {
            _probing ??= Task.Run(ProbeAsync);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    /// <summary>What a client says of its connections: kept as the reason, logged only if nothing answers.</summary>
    internal void Note(Error error)
    {
        lock (_lock)
        {
            _clientError = error.Reason;
        }

        _logger.LogDebug("Kafka client: {Code} {Reason}", error.Code, error.Reason);
    }

    private async Task ProbeAsync()
    {
        var stop = _stop.Token;
        using var timer = new PeriodicTimer(_interval, _time);
        using var ending = stop.Register(timer.Dispose);
        do
        {
            // Not awaited: a probe that hangs must not delay the next one.
            _ = ProbeOnceAsync();
            Tell();
        }
        while (await timer.WaitForNextTickAsync(CancellationToken.None));
    }

    private async Task ProbeOnceAsync()
    {
        var began = _time.GetTimestamp();
        try
        {
            await _admin.Client.DescribeClusterAsync(new DescribeClusterOptions { RequestTimeout = _timeout });
            lock (_lock)
            {
                _answered = true;
                _answeredAt = _time.GetTimestamp();
                _latency = _time.GetElapsedTime(began);
                _lastError = null;
                _clientError = null;
            }
        }
        catch (Exception e)
        {
            lock (_lock)
            {
                _lastError = _clientError ?? (e as KafkaException)?.Error.Reason ?? e.Message;
            }
        }
    }

    private void Tell()
    {
        string? error;
        bool back;
        lock (_lock)
        {
            var away = _answered && _time.GetElapsedTime(_answeredAt) > _staleAfter
                || !_answered && _lastError is not null && _clientError is not null;
            if (away == _saidAway)
            {
                return;
            }

            _saidAway = away;
            back = !away;
            error = _lastError ?? _clientError;
        }

        if (back)
        {
            _logger.LogInformation("Kafka answers again.");
        }
        else
        {
            _logger.LogWarning("Kafka does not answer: {Error}", error);
        }
    }
}
