using Onex.Hosting.Health;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Routing;
using Onex.Persistence.Registry;

namespace Onex.Tests.Integration.Orchestrator.Routing;

// Cancellations that nobody requested: a library raises them.
public sealed partial class SagaRouterTests
{
    [Fact]
    public async Task Batches_that_end_with_a_cancellation_that_nobody_requested_show_in_health()
    {
        _store.LoadFailure = new OperationCanceledException();
        for (var batch = 0; batch < 3; batch++)
        {
            await Assert.ThrowsAsync<OperationCanceledException>(() => _router.HandleAsync([Wakeup('a')], _none));
        }

        Assert.Equal(ComponentState.Unhealthy, (await _health.ProbeAsync(_none)).State);
    }

    [Fact]
    public async Task A_saga_whose_contract_is_read_with_a_foreign_cancellation_is_not_unreadable()
    {
        _store.Commit.SetResult();
        await HandleAsync(Start("key", Id('a'), (_plan.Name, _plan.Hash)));
        var reader = new SagaReader(
            _sqlite, _sqlite, new PlanCatalogue([], new CancelledRegistry(), _compiler), NullLogger<SagaReader>.Instance);

        await Assert.ThrowsAsync<OperationCanceledException>(() => reader.ReadAsync([Id('a')], _none));
    }

    private sealed class CancelledRegistry : IContractRegistry
    {
        public Task<IReadOnlyList<RegisteredContract>> RegisterAsync(
            IReadOnlyCollection<RegisteredContract> contracts, bool mutable, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<IReadOnlyList<ContractInUse>> InUseAsync(IReadOnlyCollection<string> except, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<RegisteredContract?> FindAsync(string hash, CancellationToken cancellation) => throw new OperationCanceledException();
    }
}
