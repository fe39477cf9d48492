using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Onex.Engine;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Ledger;
using Onex.Persistence.Maintenance;
using Onex.Persistence.Registry;
using Onex.Persistence.Schema;

namespace Onex.Tests.Integration.Persistence;

public sealed class PersistenceServicesTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Fact]
    public async Task The_registered_stores_work_with_the_given_database()
    {
        await using var provider = new ServiceCollection()
            .AddOnexPersistence(database.Settings)
            .BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });
        var row = Rows.New();

        await provider.GetRequiredService<Migrator>().CheckAsync(CancellationToken.None);
        await provider.GetRequiredService<ISagaStore>().CommitAsync(new CommitBatch([Rows.Start(row)], []), CancellationToken.None);

        Assert.NotNull(provider.GetRequiredService<IEffectLedger>());
        Assert.NotNull(provider.GetRequiredService<IContractRegistry>());
        Assert.NotNull(provider.GetRequiredService<IDeadLetterIndex>());
        Assert.NotNull(provider.GetRequiredService<IStoreMaintenance>());
        Assert.NotNull(await provider.GetRequiredService<ISagaQueries>().FindAsync(row.Id, CancellationToken.None));
        await using var context = await provider.GetRequiredService<IDbContextFactory<OnexDbContext>>().CreateDbContextAsync();
        var found = await context.Set<SagaRow>().SingleAsync(
            saga => saga.Contract == row.Contract && saga.Status == SagaStatus.Running && saga.Id == row.Id);
        Assert.Equal((row.Source, row.Data, row.StartedAt), (found.Source, found.Data, found.StartedAt));
        Assert.Equal("state_entered", (await context.Set<SagaHistoryRow>().SingleAsync(entry => entry.SagaId == row.Id.Value)).Kind);
    }
}
