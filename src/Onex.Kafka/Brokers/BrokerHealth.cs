using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Onex.Kafka.Brokers;

/// <summary>
/// Whether a broker answers and which of the topics exist, from a probe of its own every half second, so that nobody who asks ever waits. Says in
/// the log once when the broker goes away and once when it is back, whatever the number of clients that notice.
/// </summary>
/// <remarks>
/// It asks for the metadata of one topic at a time, on a thread of its own, one question after the other: the way that every client asks. An
/// administrative request of the library instead is a state machine of its own, which ended whole processes with an assertion when the broker
/// stalled while many of them ran out of their time.
/// </remarks>
public sealed class BrokerHealth : IDisposable
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(1);

    // A probe may be lost before we call it away, and it is still told within two seconds.
    private static readonly TimeSpan _staleAfter = TimeSpan.FromMilliseconds(1600);

    // Asked for as long as nobody has named a topic; that it may not exist or be forbidden is an answer too.
    private const string AnyTopic = "__consumer_offsets";

    private readonly BrokerAdmin _admin;
    private readonly TimeProvider _time;
    private readonly ILogger<BrokerHealth> _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Thread _probing;

    // The topics to ask for, in turn, each with whether it was there.
    private readonly List<(string Name, bool Exists)> _topics = [];
    private int _turn;
    private bool _started;
    private bool _disposed;
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
        _probing = new Thread(Probe) { IsBackground = true, Name = "broker health" };
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
            if (!_started && !_disposed)
            {
                _started = true;
                _probing.Start();
            }
        }
    }

    /// <summary>Asks for these topics too.</summary>
    public void Watch(IEnumerable<string> topics)
    {
        lock (_lock)
        {
            _topics.AddRange(topics.Where(topic => !_topics.Exists(known => known.Name == topic)).Select(topic => (topic, true)));
        }
    }

    /// <summary>Which of these topics did not exist when a broker was last asked for them.</summary>
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

        // The client that is asked is disposed of next, and must not be in use then.
        _stop.Cancel();
        if (_started)
        {
            _probing.Join();
        }

        _stop.Dispose();
    }

    /// <summary>What a client says of its connections: kept as the reason, logged only if nothing answers.</summary>
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
            Tell();
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
            // Any other error says nothing of whether it exists.
            var index = _topics.FindIndex(known => known.Name == topic.Topic);
            if (index >= 0 && (!topic.Error.IsError || topic.Error.Code is ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic))
            {
                _topics[index] = (topic.Topic, !topic.Error.IsError);
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
            Log.BrokerAnswersAgain(_logger);
        }
        else
        {
            Log.BrokerDoesNotAnswer(_logger, error);
        }
    }
}
