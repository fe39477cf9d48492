using Onex.Operations;


namespace Onex.Effects.Vault;

/// <summary>A request that Vault did not answer, or answered without doing anything.</summary>
/// <param name="code">The code of a failed attempt.</param>
/// <param name="message">The problem, without secrets.</param>
/// <param name="reach">How far the request came.</param>
internal sealed class VaultException(string code, string message, AttemptReach reach) : Exception(message)
{
    public string Code => code;

    public AttemptReach Reach => reach;

    /// <summary>Whether every request would fail like this one until somebody corrects Vault or the login.</summary>
    public bool IsOutage => code.StartsWith("http_", StringComparison.Ordinal)
        ? code is "http_429" or "http_502" or "http_503" or "http_504"
        : code != "answer_unreadable";
}
