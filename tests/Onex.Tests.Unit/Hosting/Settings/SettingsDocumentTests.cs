using System.Reflection;
using Onex.Hosting.Settings;

namespace Onex.Tests.Unit.Hosting.Settings;

public sealed class SettingsDocumentTests
{
    [Fact]
    public void The_document_matches_the_table_of_settings() => Assert.Equal(
        SettingsDocument.Render(), Repository.Golden(Repository.At("docs", "configuration.md"), SettingsDocument.Render()));

    [Fact]
    public void Every_setting_is_in_the_table_once()
    {
        var declared = new[] { typeof(SettingsTable), typeof(LimitsTable), typeof(SandboxTable) }
            .SelectMany(table => table.GetFields(BindingFlags.Public | BindingFlags.Static))
            .Select(field => field.GetValue(null)).OfType<Setting>().Select(setting => setting.Name);

        Assert.Equal(
            declared.Order(StringComparer.Ordinal), SettingsTable.All.Select(setting => setting.Name).Order(StringComparer.Ordinal));
    }
}
