using Microsoft.Extensions.Logging;

namespace Onex.Effects;

internal static partial class Log
{
    [LoggerMessage(2001, LogLevel.Debug, "{Operation} is known already: answered with the outcome of attempt {Attempt}.")]
    public static partial void AnsweredFromLedger(ILogger logger, string operation, int attempt);

    [LoggerMessage(2002, LogLevel.Debug, "{Operation}, attempt {Attempt}, is run elsewhere.")]
    public static partial void LeasedElsewhere(ILogger logger, string operation, int attempt);

    [LoggerMessage(2003, LogLevel.Debug, "{Operation}, attempt {Attempt}, is not run: {Reason}")]
    public static partial void Expired(ILogger logger, string operation, int attempt, string reason);

    [LoggerMessage(2004, LogLevel.Warning, "{Operation}, attempt {Attempt}, ended after its lease: its outcome is not told.")]
    public static partial void LeaseLost(ILogger logger, string operation, int attempt);

    [LoggerMessage(2005, LogLevel.Error, "{Operation} threw {Exception}. {Stack}")]
    public static partial void OperationThrew(ILogger logger, string operation, string exception, string? stack);

    [LoggerMessage(2006, LogLevel.Error, "The ledger refuses the result of {Operation}.")]
    public static partial void ResultRefused(ILogger logger, string operation, Exception exception);

    [LoggerMessage(2007, LogLevel.Information, "Transactions through connection {Connection} {Kind}.")]
    public static partial void LedgerSought(ILogger logger, string connection, string kind);
}
