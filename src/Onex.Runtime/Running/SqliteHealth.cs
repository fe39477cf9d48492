using Onex.Hosting.Health;
using Onex.Persistence.Sagas;
using Onex.Persistence.Sqlite;

namespace Onex.Runtime.Running;

/// <summary>Health of the SQLite file: readable and writable.</summary>
internal sealed class SqliteHealth(IPayloads payloads, SqliteDatabase file) : IHealthComponent
{
    public string Name => "database";

    public bool NeededForReadiness => true;

    public async Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
    {
        // Any read shows whether the file is readable.
        await payloads.LoadPayloadsAsync([Guid.Empty], cancellation);
        await file.ProbeAsync(cancellation);
        return ComponentReport.Healthy;
    }
}
