namespace Onex.Contracts.Catalogue;

/// <summary>The topic and time limit of an operation that a worker outside of Onex runs (docs/remote-operations.md).</summary>
/// <param name="Topic">The topic of its commands, without the configured prefix.</param>
/// <param name="Timeout">The time limit of an attempt if the step sets none.</param>
public sealed record RemoteOperation(string Topic, TimeSpan Timeout);
