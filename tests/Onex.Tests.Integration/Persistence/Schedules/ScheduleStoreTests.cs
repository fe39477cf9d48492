using Onex.Persistence.Schedules;
using Onex.Tests.Integration.Persistence.Sqlite;

namespace Onex.Tests.Integration.Persistence.Schedules;

public sealed class PostgresScheduleStoreTests(TestDatabase database) : ScheduleStoreCompliance, IClassFixture<TestDatabase>
{
    protected override IScheduleStore Store { get; } = new PostgresScheduleStore(database.DataSource);
}

public sealed class SqliteScheduleStoreTests(SqliteFile file) : ScheduleStoreCompliance, IClassFixture<SqliteFile>
{
    protected override IScheduleStore Store => file.Get<IScheduleStore>();
}
