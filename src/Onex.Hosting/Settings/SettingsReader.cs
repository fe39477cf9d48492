namespace Onex.Hosting.Settings;

/// <summary>Reads environment and file into <see cref="RuntimeSettings"/>, with every problem at once.</summary>
public static class SettingsReader
{
}
