using System.Globalization;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;

namespace Onex.Hosting.Settings;

// Reads the settings of telemetry.
internal sealed partial class SettingsReading
{
    private const string TelemetryPrefix = "OTEL_";
    private const string OtlpPrefix = "OTEL_EXPORTER_OTLP_";

    private static readonly string[] _propagators = ["tracecontext", "baggage"];

    private TelemetrySettings Telemetry()
    {
        CheckSampler();
        CheckPropagators();
        CheckAttributes();
        Authority(SettingsTable.OtlpCertificate);

        // Only reports a wrong value, which the SDK would ignore. The SDK reads this setting itself.
        Number(SettingsTable.MetricInterval);
        var isOff = Flag(SettingsTable.TelemetryDisabled);
        return new TelemetrySettings
        {
            ServiceName = Text(SettingsTable.ServiceName)!,
            Traces = Signal(SettingsTable.TracesExporter, "traces", isOff),
            Metrics = Signal(SettingsTable.MetricsExporter, "metrics", isOff),
            Logs = Signal(SettingsTable.LogsExporter, "logs", isOff),
            Batch = Batch(),
            Keys = OneOf(SettingsTable.TraceKeys) switch
            {
                "hashed" => KeyForm.Hashed,
                "none" => KeyForm.None,
                _ => KeyForm.Plain,
            },
            Variables = _environment.Keys
                .Where(name => name.StartsWith(TelemetryPrefix, StringComparison.Ordinal)
                    && !name.Contains("_HEADERS", StringComparison.Ordinal) && Variable(name) is not null)
                .ToDictionary(name => name, Variable, StringComparer.Ordinal),
        };
    }

    private SignalSettings Signal(Setting setting, string signal, bool isOff)
    {
        // Checked even if it is not used, so that a mistake is found before the exporter is switched on.
        var collector = Otlp(signal, out var isConfigured);
        var exporters = Find(setting) is { } found ? Exporters(setting, found) : isConfigured ? ["otlp"] : [];
        return isOff
            ? new SignalSettings(null, Console: false)
            : new SignalSettings(exporters.Contains("otlp") ? collector : null, exporters.Contains("console"));
    }

    private string[] Exporters(Setting setting, SettingValue found)
    {
        var exporters = found.Text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (exporters.FirstOrDefault(name => !setting.Values.Contains(name, StringComparer.Ordinal)) is { } unknown)
        {
            Report(
                SettingsDiagnostics.BadValue(
                    $"{found.Name} names the exporter '{Spelling.Clip(unknown)}', which Onex does not have.",
                    Spelling.DidYouMean(unknown, setting.Values)
                        + $"Use {string.Join(", ", setting.Values)}; separate several by commas."),
                found,
                unknown);
            return [];
        }

        if (exporters.Contains("none") && exporters.Length > 1)
        {
            ReportValue(found, "Use none alone, or remove it.");
        }

        return exporters;
    }

    // The variable of a signal takes precedence over the common one. Only a common HTTP endpoint gets the path of the signal.
    private OtlpSettings Otlp(string signal, out bool isConfigured)
    {
        var signalPrefix = OtlpPrefix + signal.ToUpperInvariant() + "_";
        var overHttp = OneOf(ForSignal(SettingsTable.OtlpProtocol)) == "http/protobuf";
        var (timeout, headers) = (Whole(ForSignal(SettingsTable.OtlpTimeout)), OtlpHeaders(ForSignal(SettingsTable.OtlpHeaders)));
        var endpointSetting = ForSignal(SettingsTable.OtlpEndpoint);
        var configured = Address(endpointSetting);
        isConfigured = configured is not null;
        var endpoint = configured ?? new Uri(overHttp ? "http://localhost:4318" : "http://localhost:4317");
        if (overHttp && endpointSetting.Variable == SettingsTable.OtlpEndpoint.Variable)
        {
            endpoint = new UriBuilder(endpoint) { Path = $"{endpoint.AbsolutePath.TrimEnd('/')}/v1/{signal}" }.Uri;
        }

        return new OtlpSettings(endpoint, overHttp, headers, TimeSpan.FromMilliseconds(timeout));

        Setting ForSignal(Setting setting)
        {
            var name = signalPrefix + setting.Variable![OtlpPrefix.Length..];
            return Variable(name) is not null || (setting.IsSecret && Variable(name + "_FILE") is not null)
                ? setting with { Variable = name }
                : setting;
        }
    }

    private Uri? Address(Setting setting)
    {
        if (Find(setting) is not { } found)
        {
            return null;
        }

        if (Uri.TryCreate(found.Text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")
        {
            return address;
        }

        ReportValue(found, "Set it to the address of a collector: http://localhost:4317.");
        return null;
    }

    private string? OtlpHeaders(Setting setting)
    {
        var headers = Secret(setting, neededBecause: null);
        if (headers is not null && !VaultSetting.IsIn(headers)
            && headers.Split(',', StringSplitOptions.RemoveEmptyEntries).Any(pair => pair.IndexOf('=', StringComparison.Ordinal) <= 0))
        {
            // Without the value, which is a secret.
            Report(SettingsDiagnostics.BadValue(
                $"{setting.Name} is not a list of headers.", "Write name=value, and separate several by commas."));
            return null;
        }

        return headers;
    }

    private void CheckSampler()
    {
        var sampler = OneOf(SettingsTable.Sampler)!;
        if (Find(SettingsTable.SamplerArgument) is not { } argument)
        {
            return;
        }

        if (!sampler.EndsWith("traceidratio", StringComparison.Ordinal))
        {
            Report(SettingsDiagnostics.NoEffect(
                $"{argument.Name} is set, but {SettingsTable.Sampler.Name} is {sampler}, which does not use it.",
                "Set that to parentbased_traceidratio, or remove this."));
        }
        else if (!double.TryParse(argument.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var ratio)
            || ratio is not (>= 0 and <= 1))
        {
            ReportValue(argument, "Set it to the share of traces to keep, from 0 to 1: 0.01.");
        }
    }

    private void CheckPropagators()
    {
        if (Find(SettingsTable.Propagators) is { } found
            && !found.Text.Split(',', StringSplitOptions.TrimEntries).All(name => _propagators.Contains(name, StringComparer.Ordinal)))
        {
            Report(
                SettingsDiagnostics.NoEffect(
                    $"{found.Name} is '{Spelling.Clip(found.Text)}', but Onex passes traces on as W3C trace context only.",
                    "Set it to tracecontext, or remove it; let a collector or a proxy convert other formats."),
                found);
        }
    }

    private void CheckAttributes()
    {
        if (Find(SettingsTable.ResourceAttributes) is { } found
            && found.Text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .FirstOrDefault(pair => pair.IndexOf('=', StringComparison.Ordinal) <= 0) is { } wrong)
        {
            Report(
                SettingsDiagnostics.BadValue(
                    $"{found.Name} has '{Spelling.Clip(wrong)}', which is not name=value.",
                    "Separate attributes by commas: deployment.environment.name=test,team=orders."),
                found,
                wrong);
        }
    }

    private SpanBatch Batch()
    {
        var batch = new SpanBatch(
            Whole(SettingsTable.SpanQueue), Whole(SettingsTable.SpanDelay), Whole(SettingsTable.SpanTimeout),
            Whole(SettingsTable.SpanBatch));
        if (batch.Size > batch.Queue)
        {
            Report(SettingsDiagnostics.BadValue(
                $"{SettingsTable.SpanBatch.Name} is {batch.Size}, more than {SettingsTable.SpanQueue.Name} ({batch.Queue}).",
                "Lower the first, or raise the second."));
        }

        return batch;
    }
}
