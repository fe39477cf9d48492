namespace Onex.Hosting.Plugins;

/// <summary>An attempt of an operation of a plug-in failed.</summary>
/// <param name="code">The code of the failure.</param>
/// <param name="message">The reason for people, without secrets.</param>
/// <param name="inner">What the plug-in threw, or null.</param>
internal sealed class PluginException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The code of the failure.</summary>
    public string Code { get; } = code;
}
