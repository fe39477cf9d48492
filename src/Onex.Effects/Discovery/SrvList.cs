using System.Net;
using System.Security.Cryptography;
using DnsClient;

namespace Onex.Effects.Discovery;

/// <summary>
/// The instances of a service from SRV records (RFC 2782), kept for their time to live, from a second to an hour. An attempt starts with
/// the lowest priority number; among instances with the same number the order is random by weight.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="query">Queries the SRV records of a name.</param>
/// <param name="state">Holds the last known instances.</param>
/// <param name="time">The clock.</param>
internal sealed class SrvList(
    ServiceAddress service, Func<string, CancellationToken, Task<IDnsQueryResponse>> query, LookupState state, TimeProvider time)
    : IServiceList
{
    private static readonly TimeSpan _minTimeToLive = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _maxTimeToLive = TimeSpan.FromHours(1);
    private static readonly TimeSpan _queryTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _retryDelay = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _queryLock = new(1);
    private volatile Answer _answer = new([], DateTimeOffset.MinValue);

    /// <summary>The options of queries to a server, or to the system's.</summary>
    public static LookupClientOptions Options(IPEndPoint? server)
    {
        var options = server is null ? new LookupClientOptions() : new LookupClientOptions(server);
        options.UseCache = false;
        options.Timeout = _queryTimeout;
        options.Retries = 1;
        return options;
    }

    public ValueTask DisposeAsync()
    {
        state.Close();
        _queryLock.Dispose();
        return default;
    }

    public async Task<IReadOnlyList<DnsEndPoint>> ResolveAsync(CancellationToken cancellation)
    {
        if (_answer.Until <= time.GetUtcNow())
        {
            await _queryLock.WaitAsync(cancellation);
            try
            {
                if (_answer.Until <= time.GetUtcNow())
                {
                    _answer = await QueryAsync(cancellation);
                }
            }
            finally
            {
                _queryLock.Release();
            }
        }

        _ = state.Require();
        return [.. SelectOrder(_answer.Records, RandomNumberGenerator.GetInt32).Select(record => record.Instance)];
    }

    /// <summary>Returns the records in an order by priority and weight as RFC 2782 defines it.</summary>
    /// <param name="records">The records.</param>
    /// <param name="random">Returns a random number from 0 to below its argument.</param>
    internal static IEnumerable<Record> SelectOrder(IEnumerable<Record> records, Func<int, int> random)
    {
        foreach (var group in records.GroupBy(record => record.Priority).OrderBy(equals => equals.Key))
        {
            // Records without weight come first, so that the random number 0 can choose one of them.
            var remaining = group.OrderBy(record => record.Weight).ToList();
            while (remaining.Count > 0)
            {
                var chosen = random(remaining.Sum(record => record.Weight) + 1);
                var index = 0;
                while (chosen > remaining[index].Weight)
                {
                    chosen -= remaining[index++].Weight;
                }

                yield return remaining[index];
                remaining.RemoveAt(index);
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
            state.RecordInstances([.. found.Select(record => record.Instance)]);
            var timeToLive = records.Count == 0 ? _retryDelay : TimeSpan.FromSeconds(records.Min(record => record.InitialTimeToLive));
            var ticks = Math.Clamp(timeToLive.Ticks, _minTimeToLive.Ticks, _maxTimeToLive.Ticks);
            return new Answer(found, time.GetUtcNow() + TimeSpan.FromTicks(ticks));
        }
        catch (DnsResponseException problem) when (!cancellation.IsCancellationRequested)
        {
            return Keep($"the DNS server did not answer ({problem.Code})");
        }
    }

    private Answer Keep(string problem)
    {
        state.RecordFailure(problem);
        return _answer with { Until = time.GetUtcNow() + _retryDelay };
    }

    /// <summary>An instance with its priority and weight.</summary>
    internal sealed record Record(int Priority, int Weight, DnsEndPoint Instance);

    private sealed record Answer(IReadOnlyList<Record> Records, DateTimeOffset Until);
}
