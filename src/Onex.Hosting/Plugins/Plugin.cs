namespace Onex.Hosting.Plugins;

/// <summary>A loaded plug-in.</summary>
/// <param name="Name">The name of its folder and of its assembly.</param>
/// <param name="Version">The version of its assembly.</param>
/// <param name="Path">Its assembly.</param>
public sealed record Plugin(string Name, string Version, string Path);
