using Onex.Persistence.Schedules;
using Onex.Tests.Integration.Persistence.Sqlite;

namespace Onex.Tests.Integration.Persistence.Schedules;

/// <summary>The compliance suite of schedule stores with PostgreSQL.</summary>
public sealed class PostgresScheduleStoreTests(TestDatabase database) : ScheduleStoreCompliance, IClassFixture<TestDatabase>
{
    protected override IScheduleStore Store { get; } = new PostgresScheduleStore(database.DataSource);
}

/// <summary>The compliance suite of schedule stores with SQLite.</summary>
public sealed class SqliteScheduleStoreTests(SqliteFile file) : ScheduleStoreCompliance, IClassFixture<SqliteFile>
{
    protected override IScheduleStore Store => file.Get<IScheduleStore>();
}
