using Onex.Operations;


namespace Onex.Effects.Vault;

/// <summary>A request that Vault did not answer, or answered with an error or not in the form of its API.</summary>
/// <param name="code">The code of a failed attempt.</param>
/// <param name="message">The problem, without secrets.</param>
/// <param name="reach">How far the request came, which may be one for a login.</param>
internal sealed class VaultException(string code, string message, AttemptReach reach) : Exception(message)
{
    public string Code => code;

    public AttemptReach Reach => reach;

    /// <summary>Whether this is taken to mean that every request to this Vault would fail now.</summary>
    public bool IsOutage => code.StartsWith("http_", StringComparison.Ordinal)
        ? code is "http_429" or "http_502" or "http_503" or "http_504"
        : code != "answer_unreadable";
}
