using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Onex.Hosting.Logging;

/// <summary>Formats log lines as text for people.</summary>
internal sealed class TextLogFormatter(TimeProvider time) : ConsoleFormatter(FormatName)
{
    public const string FormatName = "text-line";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var line = new StringBuilder(160)
            .Append(
                CultureInfo.InvariantCulture,
                $"{time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {LogLevels.Name(logEntry.LogLevel),-8} {logEntry.Category}: ")
            .Append(logEntry.Formatter(logEntry.State, logEntry.Exception));
        var scopes = LogFields.From<object?>(null, scopeProvider);
        if (scopes.Count > 0)
        {
            line.Append(" [").AppendJoin(' ', scopes.Select(field => $"{field.Key}={LogFields.Text(field.Value)}")).Append(']');
        }

        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C } span)
        {
            line.Append(CultureInfo.InvariantCulture, $" [trace {span.TraceId.ToHexString()} span {span.SpanId.ToHexString()}]");
        }

        line.Append('\n');
        if (logEntry.Exception is { } exception)
        {
            line.Append(exception).Append('\n');
        }

        textWriter.Write(line);
    }
}
