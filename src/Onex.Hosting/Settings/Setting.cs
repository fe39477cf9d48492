namespace Onex.Hosting.Settings;

/// <summary>The form of a setting's value.</summary>
public enum SettingKind
{
    /// <summary>Any text.</summary>
    Text,

    /// <summary>One of <see cref="Setting.Values"/>, in upper or lower case.</summary>
    OneOf,

    /// <summary>A whole number within <see cref="Setting.Range"/>.</summary>
    Number,

    /// <summary><c>15s</c>, <c>2m</c>, <c>15d</c> or <c>00:00:15</c>, within <see cref="Setting.DurationRange"/>.</summary>
    Duration,

    /// <summary><c>true</c>, <c>1</c>, <c>yes</c>, <c>on</c>, or <c>false</c>, <c>0</c>, <c>no</c>, <c>off</c>.</summary>
    Flag,

    /// <summary>A list of texts; only in the file.</summary>
    List,
}

/// <summary>A row of the table of settings.</summary>
/// <param name="Group">The heading in docs/configuration.md.</param>
/// <param name="Variable">The environment variable, or null if only the file can set it.</param>
/// <param name="Kind">The form of its value.</param>
/// <param name="Default">The default, or null if there is none.</param>
/// <param name="Meaning">Its description.</param>
public sealed record Setting(string Group, string? Variable, SettingKind Kind, string? Default, string Meaning)
{
    /// <summary>Another name of the variable, or null.</summary>
    public string? Alias { get; init; }

    /// <summary>The default inside the image, or null if it is the same.</summary>
    public string? ImageDefault { get; init; }

    /// <summary>The default in words if it is not one fixed value, else null.</summary>
    public string? DefaultInWords { get; init; }

    /// <summary>Its key in <c>runtime_config.yaml</c>, nested with a dot, or null.</summary>
    public string? FileKey { get; init; }

    /// <summary>Whether its value is never shown, and may be in a file that <c>&lt;NAME&gt;_FILE</c> names.</summary>
    public bool IsSecret { get; init; }

    /// <summary>Whether this version checks it, but does not use it.</summary>
    public bool IsUnused { get; init; }

    /// <summary>The possible values of <see cref="SettingKind.OneOf"/>, or of the items in a text of exporters.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>The bounds of <see cref="SettingKind.Number"/>, both included.</summary>
    public (int Min, int Max) Range { get; init; } = (int.MinValue, int.MaxValue);

    /// <summary>The bounds of <see cref="SettingKind.Duration"/>, both included.</summary>
    public (TimeSpan Min, TimeSpan Max) DurationRange { get; init; } = (TimeSpan.Zero, TimeSpan.MaxValue);

    /// <summary>The variable, or the key in the file.</summary>
    public string Name => Variable ?? FileKey!;
}
