using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Onex.Kafka.Brokers;

/// <summary>
/// Probes every half second whether a broker answers and which of the topics exist, so that readers never wait. Logs once when the broker
/// becomes unreachable and once when it answers again, however many clients notice.
/// </summary>
/// <remarks>
/// A dedicated thread requests the metadata of one topic at a time, as every client does. The library's administrative requests are not
/// used, because they ended whole processes with an assertion when many of them timed out on a stalled broker.
/// </remarks>
public sealed class BrokerHealth : IDisposable
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(1);

    // Tolerates one lost probe, and still reports a lost broker within two seconds.
    private static readonly TimeSpan _staleAfter = TimeSpan.FromMilliseconds(1600);

    // Probed until a topic is watched. That it does not exist or is forbidden is an answer too.
    private const string AnyTopic = "__consumer_offsets";

    private readonly BrokerAdmin _admin;
    private readonly TimeProvider _time;
    private readonly ILogger<BrokerHealth> _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Thread _probing;

    // The watched topics, probed in turn, each with whether it existed.
    private readonly List<(string Name, bool Exists)> _topics = [];
    private int _turn;
    private bool _started;
    private bool _disposed;
    private long _answeredAt;
    private bool _answered;
    private bool _loggedUnavailable;
    private string? _clientError;
    private string? _lastError = "No broker has responded yet.";
    private TimeSpan? _latency;

    internal BrokerHealth(BrokerAdmin admin, TimeProvider time, ILogger<BrokerHealth> logger)
    {
        _admin = admin;
        _time = time;
        _logger = logger;
        _probing = new Thread(Probe) { IsBackground = true, Name = "broker health" };
    }

    /// <summary>Whether a broker answered recently.</summary>
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

    /// <summary>Why no broker is reachable, or null.</summary>
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

    /// <summary>The duration of the last probe, or null before the first answer.</summary>
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

    /// <summary>Begins to probe. Further calls do nothing.</summary>
    public void Start()
    {
        lock (_lock)
        {
            if (!_started && !_disposed)
            {
                _started = true;
                _probing.Start();
            }
        }
    }

    /// <summary>Adds topics to probe.</summary>
    public void Watch(IEnumerable<string> topics)
    {
        lock (_lock)
        {
            _topics.AddRange(topics.Where(topic => !_topics.Exists(known => known.Name == topic)).Select(topic => (topic, true)));
        }
    }

    /// <summary>Those of the topics that did not exist at their last probe.</summary>
    public IReadOnlyCollection<string> Missing(IEnumerable<string> topics)
    {
        lock (_lock)
        {
            return [.. topics.Where(topic => _topics.Contains((topic, false)))];
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        // The client is disposed of next, so the probe must not be using it.
        _stop.Cancel();
        if (_started)
        {
            _probing.Join();
        }

        _stop.Dispose();
    }

    /// <summary>Notes an error that a client reports about its connections. It becomes the reason if no broker answers.</summary>
    internal void Note(Error error)
    {
        lock (_lock)
        {
            _clientError = error.Reason;
        }

        Log.ClientError(_logger, error.Code, error.Reason);
    }

    private void Probe()
    {
        while (!_stop.IsCancellationRequested)
        {
            var began = _time.GetTimestamp();
            ProbeOnce(began);
            LogChange();
            if (_interval - _time.GetElapsedTime(began) is var rest && rest > TimeSpan.Zero)
            {
                _stop.Token.WaitHandle.WaitOne(rest);
            }
        }
    }

    private void ProbeOnce(long began)
    {
        string topic;
        lock (_lock)
        {
            topic = _topics.Count == 0 ? AnyTopic : _topics[_turn++ % _topics.Count].Name;
        }

        try
        {
            var metadata = _admin.Client.GetMetadata(topic, _timeout);
            lock (_lock)
            {
                _answered = true;
                _answeredAt = _time.GetTimestamp();
                _latency = _time.GetElapsedTime(began);
                _lastError = null;
                _clientError = null;
                Note(metadata);
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

    private void Note(Metadata metadata)
    {
        foreach (var topic in metadata.Topics)
        {
            // Other errors do not say whether the topic exists.
            var index = _topics.FindIndex(known => known.Name == topic.Topic);
            if (index >= 0 && (!topic.Error.IsError || topic.Error.Code is ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic))
            {
                _topics[index] = (topic.Topic, !topic.Error.IsError);
            }
        }
    }

    private void LogChange()
    {
        string? error;
        bool back;
        lock (_lock)
        {
            var unavailable = _answered && _time.GetElapsedTime(_answeredAt) > _staleAfter
                || !_answered && _lastError is not null && _clientError is not null;
            if (unavailable == _loggedUnavailable)
            {
                return;
            }

            _loggedUnavailable = unavailable;
            back = !unavailable;
            error = _lastError ?? _clientError;
        }

        if (back)
        {
            Log.BrokerAnswersAgain(_logger);
        }
        else
        {
            Log.BrokerDoesNotAnswer(_logger, error);
        }
    }
}
