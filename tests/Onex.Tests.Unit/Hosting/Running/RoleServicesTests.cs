using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Onex.Hosting.Health;
using Onex.Hosting.Running;

namespace Onex.Tests.Unit.Hosting.Running;

public sealed class RoleServicesTests
{
    [Fact]
    public async Task A_background_service_that_ends_with_a_cancellation_that_nobody_requested_faults_the_role()
    {
        var collection = new ServiceCollection().AddHostedService<CancelledService>();
        RoleServices.Defer(collection, new HashSet<ServiceDescriptor>());
        await using var provider = collection.BuildServiceProvider();
        var services = new RoleServices(provider, new RoleHealth(), TimeProvider.System, NullLogger<RoleServices>.Instance);

        await services.StartAsync(TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<OperationCanceledException>(
            () => services.Faulted.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    private sealed class CancelledService : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Yield();
            throw new OperationCanceledException();
        }
    }
}
