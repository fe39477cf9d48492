namespace Onex.Effects.Vault;

/// <summary>A token and its times. A class and not a record, so that nothing prints the token.</summary>
internal sealed class VaultToken(string value, TimeSpan lifetime, bool isRenewable, DateTimeOffset issuedAt)
{
    // Renewals of several processes spread over this share of the lifetime.
    private const double JitterShare = 0.1;

    public string Value => value;

    /// <summary>How long it is valid from its issue or renewal, or, if it was configured, from its lookup; zero: forever.</summary>
    public TimeSpan Lifetime => lifetime;

    public bool IsRenewable => isRenewable;

    public bool IsPermanent => lifetime <= TimeSpan.Zero;

    public DateTimeOffset EndsAt => IsPermanent ? DateTimeOffset.MaxValue : issuedAt + lifetime;

    /// <summary>When it should be renewed or replaced: after about two thirds of its lifetime.</summary>
    /// <param name="random">A random number from 0 to 1.</param>
    public DateTimeOffset RenewAt(double random) => IsPermanent
        ? DateTimeOffset.MaxValue
        : issuedAt + (lifetime * ((2.0 / 3) - (JitterShare * random)));
}
