using System.CommandLine;
using Microsoft.Extensions.Logging;
using Onex.Hosting.Logging;
using Onex.Hosting.Settings;
using Onex.Persistence.Postgres;
using Onex.Persistence.Schema;
using Onex.Runtime.Running;

namespace Onex.Runtime.Commands;

/// <summary><c>onex db migrate|status</c>.</summary>
internal static class DatabaseCommand
{
    public static Command Make(Option<bool> json)
    {
        var migrate = new Command("migrate", "Migrate the schema of the runtime's database to this version.");
        migrate.SetAction((parsed, cancellation) => WithMigrator(async migrator =>
        {
            var added = await migrator.MigrateAsync(cancellation);
            if (parsed.GetValue(json))
            {
                Json.Print(writer => writer.Texts("applied", added));
            }
            else
            {
                Console.WriteLine(added.Count == 0 ? "The schema was up to date." : string.Join('\n', added));
            }
        }));

        var status = new Command("status", "Show the applied and the missing migrations of the runtime's database.");
        status.SetAction((parsed, cancellation) => WithMigrator(async migrator =>
        {
            var state = await migrator.StatusAsync(cancellation);
            (string Name, IReadOnlyList<string> Migrations)[] groups =
                [("applied", state.Applied), ("pending", state.Pending), ("unknown", state.Unknown)];
            if (parsed.GetValue(json))
            {
                Json.Print(writer =>
                {
                    foreach (var (name, migrations) in groups)
                    {
                        writer.Texts(name, migrations);
                    }
                });
            }
            else
            {
                foreach (var line in groups.SelectMany(group => group.Migrations.Select(migration => $"{group.Name,-8} {migration}")))
                {
                    Console.WriteLine(line);
                }
            }
        }));
        return new Command("db", "The runtime's own database.") { migrate, status };
    }

    private static async Task<int> WithMigrator(Func<Migrator, Task> work)
    {
        var settings = await CommandLine.SettingsWithSecretsAsync(SettingsUse.Database);
        var store = SettingsMapping.Store(settings, "onex-db");
        using var logging = LoggerFactory.Create(builder => builder.AddOnexConsole(settings.LogLevel, "text", toStandardError: true));
        await using var dataSource = PostgresDataSource.Create(store);
        await DatabaseSetup.ClassifyAsync(
            () => work(new Migrator(dataSource, store, TimeProvider.System, logging.CreateLogger<Migrator>())));
        return CommandLine.Done;
    }
}
