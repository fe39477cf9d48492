using Onex.Contracts.Catalogue;

namespace Onex.Effects.Vault;

/// <summary>A request that Vault did not answer, or answered without doing anything.</summary>
/// <param name="code">The code of a failed attempt.</param>
/// <param name="message">The problem, without secrets.</param>
/// <param name="reach">How far the request came.</param>
internal sealed class VaultException(string code, string message, AttemptReach reach) : Exception(message)
{
    public string Code => code;

    public AttemptReach Reach => reach;
}
