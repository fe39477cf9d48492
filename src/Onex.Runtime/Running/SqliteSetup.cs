using Onex.Hosting.Running;
using Onex.Persistence.Sqlite;

namespace Onex.Runtime.Running;

/// <summary>Locks the file for this process, and migrates its schema.</summary>
internal sealed class SqliteSetup(SqliteDatabase file) : IRoleBootstrap
{
    public string Name => "The database";

    public Task StartAsync(CancellationToken cancellation) => DatabaseSetup.ClassifyAsync(() => file.OpenAsync(cancellation));
}
