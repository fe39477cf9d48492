namespace Onex.Contracts.Catalogue;

/// <summary>What only an operation has that a worker outside of Onex runs (docs/remote-operations.md).</summary>
/// <param name="Topic">The topic of its commands, without the configured prefix.</param>
/// <param name="Timeout">The time limit of an attempt of steps that set none.</param>
public sealed record RemoteOperation(string Topic, TimeSpan Timeout);
