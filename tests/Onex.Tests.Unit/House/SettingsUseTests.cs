using System.Reflection;
using System.Text.RegularExpressions;
using Onex.Hosting.Settings;

namespace Onex.Tests.Unit.House;

/// <summary>Each setting is used, or marked as not used yet: a setting without an effect misleads whoever sets it.</summary>
public sealed partial class SettingsUseTests
{
    // This method only checks settings, so that a mistake is found at the start. A setting that only it reads has no effect.
    private const string Check = "CheckExternalServices";

    // The variables in the manual of the runtime that Onex replaces. Its users may have set them.
    private static readonly string[] _manualVariables =
    [
        "POSTGRES_PASSWORD", "VAULT_TOKEN", "REDIS_PASSWORD", "KAFKA_BOOTSTRAP_SERVERS", "POSTGRES_HOST", "POSTGRES_PORT",
        "POSTGRES_DATABASE", "POSTGRES_USER", "CONSUL_HOST", "CONSUL_PORT", "CONSUL_SCHEME", "VAULT_ADDR", "REDIS_HOST", "REDIS_PORT",
        "ONEX_LOG_LEVEL", "ONEX_ENVIRONMENT", "CONTRACTS_DIR", "ONEX_INPUT_TOPIC", "ONEX_OUTPUT_TOPIC", "ONEX_GROUP_ID",
    ];

    // Variables in that manual that only Compose reads.
    private static readonly string[] _composeVariables = ["REMOTE_HOST", "RUNTIME_MAIN_PORT", "RUNTIME_EFFECTS_PORT", "WORKER_REPLICAS"];

    [Fact]
    public void Every_setting_is_used_or_marked_as_not_yet_used()
    {
        var reading = string.Concat(Directory.GetFiles(Repository.At("src/Onex.Hosting/Settings"), "SettingsReading*.cs")
            .Select(File.ReadAllText));
        var start = reading.IndexOf($"    private void {Check}(", StringComparison.Ordinal);
        reading = reading.Remove(start, reading.IndexOf("\n    }\n", start, StringComparison.Ordinal) - start);

        var others = string.Concat(Sources().Select(File.ReadAllText));
        var used = Members(reading + others).ToHashSet(StringComparer.Ordinal);
        var fields = new[] { typeof(SettingsTable), typeof(LimitsTable), typeof(SandboxTable) }
            .SelectMany(table => table.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static))
            .Where(field => field.FieldType == typeof(Setting))
            .Select(field => (Name: $"{field.DeclaringType!.Name}.{field.Name}", Setting: (Setting)field.GetValue(null)!))
            .ToList();

        Assert.Equal(SettingsTable.All.Count, fields.Count);
        Assert.Equal(
            ["event_bus.circuit_breaker_threshold"],
            fields.Where(field => field.Setting.IsUnused).Select(field => field.Setting.Name));
        Assert.Empty(fields
            .Where(field => !field.Setting.IsUnused
                && !used.Contains(field.Name)
                && !others.Contains($"\"{field.Setting.Name}\"", StringComparison.Ordinal))
            .Select(field => $"nothing reads {field.Setting.Name}: use it, or mark it with IsUnused"));
    }

    [Fact]
    public void Every_property_of_the_settings_is_used_outside_of_their_reader()
    {
        var used = Members(string.Concat(Sources().Select(File.ReadAllText)))
            .Select(member => member[(member.IndexOf('.', StringComparison.Ordinal) + 1)..]).ToHashSet(StringComparer.Ordinal);
        var properties = typeof(RuntimeSettings).GetProperties()
            .Concat(typeof(KafkaConnection).GetProperties())
            .Concat(typeof(PostgresConnection).GetProperties());

        Assert.Empty(properties
            .Where(property => !used.Contains(property.Name))
            .Select(property => $"nothing uses {property.DeclaringType!.Name}.{property.Name}"));
    }

    [Fact]
    public void Every_variable_of_the_manual_is_read()
    {
        var known = SettingsTable.All.Where(setting => !setting.IsUnused).Select(setting => setting.Variable).ToHashSet();
        var compose = File.ReadAllText(Repository.At("docker/docker-compose.runtime.yml"));

        Assert.All(_manualVariables, variable => Assert.Contains(variable, known));
        Assert.All(_composeVariables, variable => Assert.Contains($"${{{variable}:", compose, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Sources() =>
        Directory.EnumerateFiles(Repository.At("src"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/Onex.Hosting/Settings/", StringComparison.Ordinal)
                && !path.Contains("/obj/", StringComparison.Ordinal));

    private static IEnumerable<string> Members(string text) => MemberPattern().Matches(text).Select(match => match.Value);

    [GeneratedRegex(@"\w*\.\w+", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex MemberPattern();
}
