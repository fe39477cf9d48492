using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Onex.Persistence.Schema;
using Onex.Persistence.Tables;

namespace Onex.Tests.Unit.Persistence.Tables;

/// <summary>The column list of a table, the EF model of the migrations and the schema of SQLite agree.</summary>
public sealed class TableTests
{
    private static readonly Dictionary<string, IEnumerable<string>> _lists = new()
    {
        ["sagas"] = Names(SagaTable.Columns),
        ["saga_history"] = Names(HistoryTable.Columns),
        ["outbox"] = Names(OutboxTable.Columns),
        ["saga_payloads"] = Names(PayloadTable.Columns),
        ["inbox"] = Names(InboxTable.Columns),
        ["early_events"] = Names(EarlyEventTable.Columns),
        ["saga_items"] = Names(SagaItemTable.Columns),
        ["dead_letters"] = Names(DeadLetterTable.Columns),
        ["secret_handles"] = Names(SecretHandleTable.Columns),
    };

    // Columns that the database or the statements fill, and "input", which only PostgreSQL has.
    private static readonly string[] _notInLists = ["seq", "created_at", "updated_at", "input"];

    public static TheoryData<string> Lists() => [.. _lists.Keys];

    [Theory]
    [MemberData(nameof(Lists))]
    public void A_list_names_every_column_of_its_table_in_PostgreSQL(string table)
    {
        using var dataSource = NpgsqlDataSource.Create("Host=nowhere");
        using var context = new OnexDbContext(OnexDbContextFactory.Options(dataSource));

        var type = context.Model.GetEntityTypes().Single(type => (type.GetTableName() ?? type.GetViewName()) == table);
        AssertSame(table, type.GetProperties().Select(property => property.GetColumnName()));
    }

    [Theory]
    [MemberData(nameof(Lists))]
    public void A_list_names_every_column_of_its_table_in_SQLite(string table)
    {
        using var connection = new SqliteConnection("Data Source=:memory:");
        connection.Open();
        using var create = connection.CreateCommand();
        create.CommandText = File.ReadAllText(Repository.At("src", "Onex.Persistence", "Sqlite", "schema.sql"));
        create.ExecuteNonQuery();
        using var query = connection.CreateCommand();
        query.CommandText = "SELECT name FROM pragma_table_info($1)";
        query.Parameters.AddWithValue("$1", table);
        using var reader = query.ExecuteReader();
        var names = new List<string>();
        while (reader.Read())
        {
            names.Add(reader.GetString(0));
        }

        AssertSame(table, names);
    }

    private static void AssertSame(string table, IEnumerable<string> columns) => Assert.Equal(
        _lists[table].Except(_notInLists).Order(StringComparer.Ordinal), columns.Except(_notInLists).Order(StringComparer.Ordinal));

    private static IEnumerable<string> Names<TRow>(Table<TRow> table) => table.Columns.Select(column => column.Name);
}
