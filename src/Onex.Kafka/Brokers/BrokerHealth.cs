using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Onex.Kafka.Brokers;

/// <summary>
/// Probes every half second whether a broker answers and whether one of the topics exists. Its properties return the latest results.
/// Logs once when the broker becomes unreachable and once when it answers again, however many clients notice.
/// </summary>
/// <remarks>
/// A dedicated thread requests the metadata of one topic at a time, as every client does. The library's administrative requests are not
/// used: when many of them time out on a stalled broker, an assertion in the library fails and ends the process.
/// </remarks>
public sealed class BrokerHealth : IDisposable
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(1);

    // Tolerates one lost probe, and still reports a lost broker within two seconds.
    private static readonly TimeSpan _staleAfter = TimeSpan.FromMilliseconds(1600);

    // Probed until a topic is watched. It need not exist or be allowed: an error of the broker is an answer too.
    private const string AnyTopic = "__consumer_offsets";

    private readonly BrokerAdmin _admin;
    private readonly TimeProvider _time;
    private readonly ILogger<BrokerHealth> _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Thread _thread;

    // The watched topics, probed in turn, and whether each existed at its last conclusive probe; true before that.
    private readonly List<(string Name, bool Exists)> _topics = [];
    private int _probes;
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
        _thread = new Thread(Probe) { IsBackground = true, Name = "broker health" };
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

    /// <summary>The duration of the last probe that was answered, or null before the first.</summary>
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
                _thread.Start();
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

    /// <summary>Returns which of the topics did not exist at their last conclusive probe.</summary>
    public IReadOnlyCollection<string> FindMissing(IEnumerable<string> topics)
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

        // The owner disposes of the client next, so no probe may use it any more.
        _stop.Cancel();
        if (_started)
        {
            _thread.Join();
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
            var rest = _interval - _time.GetElapsedTime(began);
            if (rest > TimeSpan.Zero)
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
            topic = _topics.Count == 0 ? AnyTopic : _topics[_probes++ % _topics.Count].Name;
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
        bool isUnavailable;
        lock (_lock)
        {
            // Before the first answer, only an error of a client shows that the broker is unreachable and not just slow.
            isUnavailable = _answered ? _time.GetElapsedTime(_answeredAt) > _staleAfter : _clientError is not null;
            if (isUnavailable == _loggedUnavailable)
            {
                return;
            }

            _loggedUnavailable = isUnavailable;
            error = _lastError ?? _clientError;
        }

        if (isUnavailable)
        {
            Log.BrokerDoesNotAnswer(_logger, error);
        }
        else
        {
            Log.BrokerAnswersAgain(_logger);
        }
    }
}
