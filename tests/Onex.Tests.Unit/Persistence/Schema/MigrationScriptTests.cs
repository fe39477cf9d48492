using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;
using Onex.Persistence.Schema;

namespace Onex.Tests.Unit.Persistence.Schema;

public sealed class MigrationScriptTests
{
    [Fact]
    public void The_migration_script_matches_the_migrations()
    {
        using var dataSource = NpgsqlDataSource.Create("Host=nowhere");
        using var context = new OnexDbContextFactory(dataSource).CreateDbContext();
        var script = context.GetService<IMigrator>().GenerateScript().Replace("\r\n", "\n", StringComparison.Ordinal);
        var path = Repository.At("migrations", "Onex.Migrations", "schema.sql");
        if (Repository.Updating)
        {
            File.WriteAllText(path, script);
        }

        Assert.Equal(script, File.ReadAllText(path));
    }
}
