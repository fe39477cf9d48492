using Microsoft.Extensions.Logging;

namespace Onex.Effects;

internal static partial class Log
{
    /// <summary>The command is a duplicate, and the effect ledger has its outcome.</summary>
    [LoggerMessage(2001, LogLevel.Debug, "Duplicate command for {Operation}: answered with the outcome of attempt {Attempt}.")]
    public static partial void AnsweredFromLedger(ILogger logger, string operation, int attempt);

    /// <summary>Another process has the lease of the command, or an earlier delivery of it runs in this one.</summary>
    [LoggerMessage(2002, LogLevel.Debug, "{Operation}, attempt {Attempt}: another process has its lease.")]
    public static partial void LeasedElsewhere(ILogger logger, string operation, int attempt);

    /// <summary>The effect ledger does not allow the attempt to start.</summary>
    [LoggerMessage(2003, LogLevel.Debug, "{Operation}, attempt {Attempt}, is not executed: {Reason}")]
    public static partial void Expired(ILogger logger, string operation, int attempt, string reason);

    /// <summary>The attempt exceeded its timeout and a margin, and the command was claimed again, or the attempt was closed.</summary>
    [LoggerMessage(2004, LogLevel.Warning, "{Operation}, attempt {Attempt}, ended after its lease: its outcome is dropped.")]
    public static partial void LeaseLost(ILogger logger, string operation, int attempt);

    /// <summary>A defect of the operation: report it. The attempt has failed.</summary>
    [LoggerMessage(2005, LogLevel.Error, "{Operation} threw {Exception}. {Stack}")]
    public static partial void OperationThrew(ILogger logger, string operation, string exception, string? stack);

    /// <summary>The database rejects the result, or its secrets cannot be hidden, so the attempt fails with result_invalid.</summary>
    [LoggerMessage(2006, LogLevel.Error, "The effect ledger cannot store the result of {Operation}.")]
    public static partial void ResultRejected(ILogger logger, string operation, Exception exception);

    /// <summary>Whether db.transaction over this connection is exactly once.</summary>
    [LoggerMessage(2007, LogLevel.Information, "Transactions over connection {Connection} {Mode}.")]
    public static partial void TransactionMode(ILogger logger, string connection, string mode);

    /// <summary>
    /// Too many attempts on this connection failed, or a secret of Vault cannot be read. Its commands are parked in the database; one of
    /// them is tried periodically.
    /// </summary>
    [LoggerMessage(2008, LogLevel.Warning, "Connection {Connection} is unavailable, its commands are parked: {Reason}")]
    public static partial void BreakerOpened(ILogger logger, string connection, string? reason);

    /// <summary>A trial on the connection succeeded, or its circuit breaker has new settings. Its parked commands are run.</summary>
    [LoggerMessage(2009, LogLevel.Information, "Connection {Connection} is available again.")]
    public static partial void BreakerClosed(ILogger logger, string connection);

    /// <summary>The command's connection does not let it begin, or its attempt met an outage.</summary>
    [LoggerMessage(2010, LogLevel.Debug, "{Operation}, attempt {Attempt}, is parked for connection {Connection}.")]
    public static partial void Parked(ILogger logger, string operation, int attempt, string connection);

    /// <summary>
    /// Parked commands wait in the database, and are read again after a delay. For one that was running, the orchestrator finds in the
    /// ledger the recorded result, or that its lease has expired.
    /// </summary>
    [LoggerMessage(2011, LogLevel.Warning, "Parked commands cannot be read or recorded: {Reason}")]
    public static partial void ParkedStoreUnavailable(ILogger logger, string reason);

    /// <summary>A defect: report it. The lease of the command expires, and the orchestrator continues its saga.</summary>
    [LoggerMessage(2012, LogLevel.Error, "A parked command for {Operation} could not be run.")]
    public static partial void ParkedNotRun(ILogger logger, string operation, Exception exception);

    /// <summary>The orchestrator finds the result in the ledger, or that the lease of the command has expired.</summary>
    [LoggerMessage(
        2013, LogLevel.Warning, "The broker cannot be reached, so the result of a parked command for {Operation} is not sent: {Reason}")]
    public static partial void ParkedResultNotSent(ILogger logger, string operation, string reason);

    /// <summary>
    /// A lookup failed, so the last known instances stay in use; or it found none. While none is known, attempts fail, and nothing is sent.
    /// </summary>
    [LoggerMessage(2041, LogLevel.Warning, "The instances of {Service} are unknown: {Error}.")]
    public static partial void ServiceUnavailable(ILogger logger, object service, string error);

    /// <summary>The instances of the service are known again.</summary>
    [LoggerMessage(2042, LogLevel.Information, "The instances of {Service} are known again.")]
    public static partial void ServiceAvailable(ILogger logger, object service);

    /// <summary>Until Redis is back, limits with scope cluster hold only approximately: each process applies its share.</summary>
    [LoggerMessage(2043, LogLevel.Warning, "The limits of all processes are not counted: {Error}.")]
    public static partial void ClusterLimitsLost(ILogger logger, string error);

    /// <summary>Limits with scope cluster are counted by all processes together again.</summary>
    [LoggerMessage(2044, LogLevel.Information, "The limits of all processes are counted again, by Redis at {Address}.")]
    public static partial void ClusterLimitsBack(ILogger logger, object address);

    /// <summary>The AppRole of a connection got a new token.</summary>
    [LoggerMessage(2060, LogLevel.Information, "Logged in to the Vault of connection {Connection}.")]
    public static partial void VaultLoggedIn(ILogger logger, string connection);

    /// <summary>Unseal it, start it, or correct the login. Until then steps that need it are parked, or fail without a breaker.</summary>
    [LoggerMessage(2061, LogLevel.Warning, "The Vault of connection {Connection} is unavailable: {Cause}")]
    public static partial void VaultUnavailable(ILogger logger, string connection, string cause);

    /// <summary>Vault answers again.</summary>
    [LoggerMessage(2062, LogLevel.Information, "The Vault of connection {Connection} is available again.")]
    public static partial void VaultBack(ILogger logger, string connection);

    /// <summary>Configure another token before this one ends, or an AppRole, which logs in again.</summary>
    [LoggerMessage(2063, LogLevel.Warning, "The token of connection {Connection} cannot be renewed. It ends at {EndsAt}.")]
    public static partial void VaultTokenEnds(ILogger logger, string connection, DateTimeOffset endsAt);

    /// <summary>
    /// Connections that refer to the secret cannot be used, or keep the values that they have, until it is read. The problem says why.
    /// </summary>
    [LoggerMessage(2064, LogLevel.Warning, "The secret {Path} of Vault cannot be read: {Problem}")]
    public static partial void VaultSecretUnknown(ILogger logger, string path, string problem);

    /// <summary>A secret of connections that could not be read is known now.</summary>
    [LoggerMessage(2065, LogLevel.Information, "The secret {Path} of Vault can be read again.")]
    public static partial void VaultSecretRead(ILogger logger, string path);

    /// <summary>
    /// Settings refer to secrets of Vault, and the role starts when it has read them. Until then /health says so. Unseal Vault, start it,
    /// or correct its address: the cause says which.
    /// </summary>
    [LoggerMessage(2066, LogLevel.Warning, "The start waits for Vault at {Address}, to which settings refer: {Cause}")]
    public static partial void StartWaitsForVault(ILogger logger, Uri address, string cause);
}
