using System.Reflection;
using Onex.Hosting.Settings;
using Onex.Tests.Support;

namespace Onex.Tests.Unit.Hosting.Settings;

public sealed class SettingsDocumentTests
{
    [Fact]
    public void The_OpenAPI_document_matches_the_table_of_calls()
    {
        var path = Repository.At("docs", "configuration.md");
        if (Environment.GetEnvironmentVariable("ONEX_GOLDEN") == "update")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, SettingsDocument.Render());
        }

        Assert.Equal(SettingsDocument.Render(), File.ReadAllText(path));
    }

    [Fact]
    public void Every_setting_is_in_the_table_once()
    {
        var declared = typeof(SettingsTable).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => field.GetValue(null)).OfType<Setting>().Select(setting => setting.Name);

        Assert.Equal(
            declared.Order(StringComparer.Ordinal), SettingsTable.All.Select(setting => setting.Name).Order(StringComparer.Ordinal));
    }
}
