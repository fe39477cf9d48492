using Microsoft.Extensions.Logging;

namespace Onex.Workers;

internal static partial class Log
{
    [LoggerMessage(3001, LogLevel.Error, "{Operation} threw.")]
    public static partial void OperationThrew(ILogger logger, string operation, Exception exception);
}
