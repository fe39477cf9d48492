namespace Onex.Effects.Vault;

/// <summary>A secret as Vault returned it. A class and not a record, so that nothing prints the values.</summary>
internal sealed class VaultSecretContent(IReadOnlyDictionary<string, string> fields, string? leaseId, TimeSpan lifetime)
{
    /// <summary>The values by field. All come from one answer.</summary>
    public IReadOnlyDictionary<string, string> Fields => fields;

    /// <summary>The lease with whose end the values end, or null.</summary>
    public string? LeaseId => leaseId;

    /// <summary>The duration that Vault states, also without a lease.</summary>
    public TimeSpan Lifetime => lifetime;
}
