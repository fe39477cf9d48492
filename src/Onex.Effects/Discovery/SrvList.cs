using System.Net;
using System.Security.Cryptography;
using DnsClient;

namespace Onex.Effects.Discovery;

/// <summary>
/// The instances of a service from SRV records (RFC 2782), kept for their time to live. Attempts take the lowest priority first, and among
/// equals a random one by weight.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="query">Queries the SRV records of a name.</param>
/// <param name="state">Holds the last known instances.</param>
/// <param name="time">The clock.</param>
internal sealed class SrvList(
    ServiceAddress service, Func<string, CancellationToken, Task<IDnsQueryResponse>> query, LookupState state, TimeProvider time)
    : IServiceList
{
    private static readonly TimeSpan _shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longest = TimeSpan.FromHours(1);
    private static readonly TimeSpan _answerMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _againAfter = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _oneQuery = new(1);
    private volatile Answer _answer = new([], DateTimeOffset.MinValue);

    /// <summary>The options of queries to a server, or to the system's.</summary>
    public static LookupClientOptions Options(IPEndPoint? server)
    {
        var options = server is null ? new LookupClientOptions() : new LookupClientOptions(server);
        options.UseCache = false;
        options.Timeout = _answerMax;
        options.Retries = 1;
        return options;
    }

    public ValueTask DisposeAsync()
    {
        _oneQuery.Dispose();
        return default;
    }

    public async Task<IReadOnlyList<DnsEndPoint>> ResolveAsync(CancellationToken cancellation)
    {
        if (_answer.Until <= time.GetUtcNow())
        {
            await _oneQuery.WaitAsync(cancellation);
            try
            {
                if (_answer.Until <= time.GetUtcNow())
                {
                    _answer = await QueryAsync(cancellation);
                }
            }
            finally
            {
                _oneQuery.Release();
            }
        }

        _ = state.Require();
        return [.. InOrder(_answer.Records, RandomNumberGenerator.GetInt32).Select(record => record.Instance)];
    }

    /// <summary>The records in the order of RFC 2782.</summary>
    /// <param name="records">The records.</param>
    /// <param name="random">A random number below the given one.</param>
    internal static IEnumerable<Record> InOrder(IEnumerable<Record> records, Func<int, int> random)
    {
        foreach (var equals in records.GroupBy(record => record.Priority).OrderBy(group => group.Key))
        {
            // Records without weight come first, so that they are chosen seldom but sometimes.
            var left = equals.OrderBy(record => record.Weight).ToList();
            while (left.Count > 0)
            {
                var chosen = random(left.Sum(record => record.Weight) + 1);
                var at = left.FindIndex(record => (chosen -= record.Weight) <= 0);
                yield return left[at];
                left.RemoveAt(at);
            }
        }
    }

    private async Task<Answer> QueryAsync(CancellationToken cancellation)
    {
        try
        {
            var response = await query(service.Name, cancellation);
            if (response.HasError && response.Header.ResponseCode != DnsHeaderResponseCode.NotExistentDomain)
            {
                return Keep($"the DNS server answered {response.Header.ResponseCode}");
            }

            // A single target "." says that there is no such service.
            var records = response.Answers.SrvRecords().Where(record => record.Target.Value != ".").ToList();
            var addresses = response.Additionals.AddressRecords().ToLookup(
                record => record.DomainName.Value, record => record.Address.ToString(), StringComparer.OrdinalIgnoreCase);
            Record[] found =
            [
                .. records.Select(record => new Record(
                    record.Priority, record.Weight,
                    new DnsEndPoint(
                        addresses[record.Target.Value].FirstOrDefault() ?? record.Target.Value.TrimEnd('.'), record.Port))),
            ];
            state.Found([.. found.Select(record => record.Instance)]);
            var lives = records.Count == 0 ? _againAfter : TimeSpan.FromSeconds(records.Min(record => record.InitialTimeToLive));
            return new Answer(found, time.GetUtcNow() + TimeSpan.FromTicks(Math.Clamp(lives.Ticks, _shortest.Ticks, _longest.Ticks)));
        }
        catch (DnsResponseException problem) when (!cancellation.IsCancellationRequested)
        {
            return Keep($"the DNS server did not answer ({problem.Code})");
        }
    }

    private Answer Keep(string problem)
    {
        state.Failed(problem);
        return _answer with { Until = time.GetUtcNow() + _againAfter };
    }

    /// <summary>An instance with its priority and weight.</summary>
    internal sealed record Record(int Priority, int Weight, DnsEndPoint Instance);

    private sealed record Answer(IReadOnlyList<Record> Records, DateTimeOffset Until);
}
