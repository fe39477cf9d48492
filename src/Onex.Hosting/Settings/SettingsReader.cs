using Onex.Contracts.Diagnostics;

namespace Onex.Hosting.Settings;

/// <summary>What the settings are read for. Settings that this use does not need are not required.</summary>
public enum SettingsUse
{
    /// <summary>A role.</summary>
    Role,

    /// <summary>A command that opens the database.</summary>
    Database,

    /// <summary>A command that connects to the broker.</summary>
    Broker,

    /// <summary>A command that needs neither: it calls a role over HTTP, or reads contracts.</summary>
    Nothing,
}

/// <summary>The settings, or what is wrong with them.</summary>
/// <param name="Settings">The settings, or null if a diagnostic is an error: then nothing may start.</param>
/// <param name="Diagnostics">The diagnostics of the file by position, then those of environment variables.</param>
public sealed record SettingsResult(RuntimeSettings? Settings, IReadOnlyList<Diagnostic> Diagnostics)
{
    /// <summary>The settings with defaults in place of wrong values. They help to find further problems, and must not run a role.</summary>
    public required RuntimeSettings Tentative { get; init; }

    /// <summary>
    /// The secret settings that refer to Vault. Until their values are in the environment, the settings hold the references.
    /// </summary>
    public IReadOnlyList<VaultSetting> FromVault { get; init; } = [];

    /// <summary>The errors as they are printed.</summary>
    public IReadOnlyList<string> Errors => Render(Severity.Error);

    /// <summary>The warnings as they are printed.</summary>
    public IReadOnlyList<string> Warnings => Render(Severity.Warning);

    private IReadOnlyList<string> Render(Severity severity) =>
        [.. Diagnostics.Where(diagnostic => diagnostic.Severity == severity).Select(diagnostic => diagnostic.Render().TrimEnd('\n'))];
}

/// <summary>Reads environment and file into <see cref="RuntimeSettings"/>, and reports all problems at once.</summary>
public static class SettingsReader
{
    /// <summary>
    /// Reads all settings: from the environment, else from <c>runtime/runtime_config.yaml</c> below the contracts directory, else the
    /// defaults. An empty variable counts as not set, because Compose passes an unset variable as an empty one.
    /// </summary>
    /// <param name="environment">The environment's variables.</param>
    /// <param name="workingDirectory">The base of relative paths.</param>
    /// <param name="use">What the settings are read for.</param>
    /// <param name="operationPrefixes">The prefixes that <c>handlers.enabled</c> may name; null for any.</param>
    public static SettingsResult Read(
        IReadOnlyDictionary<string, string> environment, string workingDirectory, SettingsUse use = SettingsUse.Role,
        IReadOnlyCollection<string>? operationPrefixes = null) =>
        new SettingsReading(environment, workingDirectory, use, operationPrefixes).Read();

    /// <summary>The environment of this process, as <see cref="Read"/> takes it.</summary>
    public static IReadOnlyDictionary<string, string> ReadEnvironment()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
        {
            variables[(string)variable.Key] = (string?)variable.Value ?? "";
        }

        return variables;
    }
}
