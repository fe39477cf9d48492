using Microsoft.Extensions.Logging;

namespace Onex.Workers;

internal static partial class Log
{
    /// <summary>A defect of the operation: report it. The attempt has failed.</summary>
    [LoggerMessage(3001, LogLevel.Error, "{Operation} threw.")]
    public static partial void OperationThrew(ILogger logger, string operation, Exception exception);
}
