using Onex.Orchestrator.Routing;

namespace Onex.Tests.Unit.Orchestrator.Routing;

public sealed class SagaCacheTests
{
    [Fact]
    public void The_weight_of_JSON_includes_the_overhead_of_objects()
    {
        var numbers = Encoding.UTF8.GetBytes($"[{string.Join(',', Enumerable.Repeat("1", 10_000))}]");
        var text = Encoding.UTF8.GetBytes($"\"{new string('x', numbers.Length)}\"");

        Assert.True(JsonWeight.Handled(numbers) > 100 * numbers.Length);
        Assert.True(JsonWeight.Handled(text) < 20 * text.Length);
        Assert.True(JsonWeight.Cached(numbers) < JsonWeight.Handled(numbers));
    }

    [Fact]
    public void The_least_recently_used_sagas_are_evicted_when_the_cache_is_too_large()
    {
        var cache = new SagaCache(capacity: 100, weightMax: 40);
        var ids = Enumerable.Range(1, 6).Select(number => new SagaId(new Guid(number, 0, 0, new byte[8]))).ToList();
        foreach (var id in ids[..4])
        {
            cache.Set(Saga(id, weight: 10));
        }

        Assert.NotNull(cache.Find(ids[0]));
        cache.Set(Saga(ids[4], weight: 10));
        Assert.Equal([ids[0], null, ids[2], ids[3], ids[4]], ids[..5].Select(id => cache.Find(id)?.Saga.Facts.SagaId));

        // A saga that is cached again counts once. A saga of more than a quarter of the maximum weight is not cached.
        cache.Set(Saga(ids[0], weight: 9));
        Assert.NotNull(cache.Find(ids[2]));
        cache.Set(Saga(ids[5], weight: 11));
        Assert.Null(cache.Find(ids[5]));
        Assert.NotNull(cache.Find(ids[2]));
        cache.Set(Saga(ids[2], weight: 11));
        Assert.Null(cache.Find(ids[2]));
    }

    private static CachedSaga Saga(SagaId id, long weight) => new(
        new SagaState
        {
            Facts = new SagaFacts
            {
                SagaId = id,
                Contract = "c",
                ContractVersion = "1",
                ContractHash = "h",
                HomePartition = 0,
                StartedAt = default,
                Input = Onex.Contracts.Expressions.CelValue.Map([]),
                Requester = new Requester { RequestId = new(id.Value), CorrelationId = id.Value, Operation = "c", Source = "requests/0/0" },
            },
            State = "s",
            Status = Onex.Engine.SagaStatus.Running,
            UpdatedAt = default,
        },
        1,
        null!,
        new SagaWeight(weight, weight));
}
