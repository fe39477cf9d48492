using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Onex.Hosting.Logging;

/// <summary>Configures which log lines are written, and how.</summary>
public static class LogLevels
{
    private static readonly string[] _frameworks = ["MassTransit", "Microsoft", "Npgsql", "System"];

    /// <summary>Logs to stdout, or to stderr if stdout is for data.</summary>
    /// <param name="logging">The builder.</param>
    /// <param name="level">The least severe level that is written.</param>
    /// <param name="format"><c>json</c> or <c>text</c>.</param>
    /// <param name="toStandardError">Whether stdout is for data.</param>
    public static ILoggingBuilder AddOnexConsole(this ILoggingBuilder logging, LogLevel level, string format, bool toStandardError = false)
    {
        logging.SetMinimumLevel(level);
        logging.AddFilter((category, line) => IsShown(category ?? "", line, level));
        logging.Services.TryAddSingleton(TimeProvider.System);
        logging.Services.AddSingleton<ConsoleFormatter, JsonLogFormatter>();
        logging.Services.AddSingleton<ConsoleFormatter, TextLogFormatter>();
        logging.AddConsole(console =>
        {
            console.FormatterName = format == "text" ? TextLogFormatter.FormatName : JsonLogFormatter.FormatName;
            console.LogToStandardErrorThreshold = toStandardError ? LogLevel.Trace : LogLevel.None;
        });
        return logging;
    }

    /// <summary>Also writes the lines to a file of this host, <c>&lt;hostname&gt;.log</c> in a directory.</summary>
    public static ILoggingBuilder AddOnexFile(this ILoggingBuilder logging, string directory)
    {
        logging.Services.AddSingleton<ILoggerProvider>(provider =>
            new LogFile(directory, provider.GetRequiredService<TimeProvider>(), Console.Error));
        return logging;
    }

    /// <summary>The name of a level in settings and log lines.</summary>
    internal static string Name(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "DEBUG",
        LogLevel.Warning => "WARNING",
        LogLevel.Error => "ERROR",
        LogLevel.Critical => "CRITICAL",
        _ => "INFO",
    };

    /// <summary>The level of that name.</summary>
    internal static LogLevel Parse(string name) => name switch
    {
        "DEBUG" => LogLevel.Debug,
        "WARNING" => LogLevel.Warning,
        "ERROR" => LogLevel.Error,
        "CRITICAL" => LogLevel.Critical,
        _ => LogLevel.Information,
    };

    /// <summary>Whether a line is shown. Lines of the frameworks below a warning are shown only at DEBUG.</summary>
    internal static bool IsShown(string category, LogLevel line, LogLevel minimum)
    {
        // Onex logs a failed start and changes of health itself, in one line.
        if (category is "Microsoft.Extensions.Diagnostics.HealthChecks.DefaultHealthCheckService"
                or "Microsoft.Extensions.Hosting.Internal.Host"
                or "Microsoft.AspNetCore.Server.Kestrel"
            && minimum > LogLevel.Debug)
        {
            return false;
        }

        var isFramework = _frameworks.Any(
            name => category.StartsWith(name, StringComparison.Ordinal) && (
                category.Length == name.Length || category[name.Length] == '.'));
        return line >= (isFramework && minimum == LogLevel.Information ? LogLevel.Warning : minimum);
    }
}
