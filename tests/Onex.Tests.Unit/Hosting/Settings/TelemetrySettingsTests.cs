using Onex.Hosting.Settings;

namespace Onex.Tests.Unit.Hosting.Settings;

/// <summary>The <c>OTEL_*</c> variables mean what the specification of OpenTelemetry says.</summary>
public sealed class TelemetrySettingsTests
{
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal)
    {
        ["CONTRACTS_DIR"] = AppContext.BaseDirectory,
    };

    [Fact]
    public void Nothing_is_exported_unless_an_endpoint_is_named()
    {
        var telemetry = Read();

        Assert.Equal("omnibase-infra-runtime", telemetry.ServiceName);
        Assert.All([telemetry.Traces, telemetry.Metrics, telemetry.Logs], signal => Assert.False(signal.IsOn));
    }

    [Fact]
    public void The_common_endpoint_switches_every_signal_on()
    {
        var telemetry = Read("OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317", "OTEL_METRICS_EXPORTER=none");

        Assert.Equal(
            new OtlpSettings(new Uri("http://collector:4317"), OverHttp: false, null, TimeSpan.FromSeconds(10)), telemetry.Traces.Otlp);
        Assert.Equal(telemetry.Traces, telemetry.Logs);
        Assert.False(telemetry.Metrics.IsOn);
    }

    [Fact]
    public void The_endpoint_of_a_signal_switches_that_signal_on()
    {
        var telemetry = Read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://traces:4317");

        Assert.Equal((true, false, false), (telemetry.Traces.IsOn, telemetry.Metrics.IsOn, telemetry.Logs.IsOn));
    }

    [Fact]
    public void Over_HTTP_the_path_of_the_signal_is_added_to_the_common_endpoint_only()
    {
        var telemetry = Read(
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT=https://collector/otlp/",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=https://logs/in", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=grpc");

        Assert.Equal(new Uri("https://collector/otlp/v1/traces"), telemetry.Traces.Otlp!.Endpoint);
        Assert.Equal(new Uri("https://collector/otlp/"), telemetry.Metrics.Otlp!.Endpoint);
        Assert.Equal(new Uri("https://logs/in"), telemetry.Logs.Otlp!.Endpoint);
    }

    [Theory]
    [InlineData("grpc", "http://localhost:4317/")]
    [InlineData("http/protobuf", "http://localhost:4318/v1/traces")]
    public void An_exporter_that_is_named_without_an_endpoint_calls_this_machine(string protocol, string expected)
    {
        var telemetry = Read("OTEL_TRACES_EXPORTER=otlp", $"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}");

        Assert.Equal(expected, telemetry.Traces.Otlp!.Endpoint.ToString());
    }

    [Fact]
    public void Several_exporters_are_separated_by_commas()
    {
        var telemetry = Read("OTEL_TRACES_EXPORTER=console, otlp", "OTEL_LOGS_EXPORTER=console");

        Assert.True(telemetry.Traces is { Otlp: not null, Console: true });
        Assert.True(telemetry.Logs is { Otlp: null, Console: true });
    }

    [Fact]
    public void The_SDK_can_be_disabled()
    {
        var telemetry = Read("OTEL_SDK_DISABLED=true", "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317", "OTEL_TRACES_EXPORTER=console");

        Assert.All([telemetry.Traces, telemetry.Metrics, telemetry.Logs], signal => Assert.False(signal.IsOn));
    }

    [Fact]
    public void Headers_are_secrets()
    {
        var telemetry = Read(
            "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317", "OTEL_EXPORTER_OTLP_HEADERS=x-key=s3cr3t",
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS=x-key=t0ken");

        Assert.Equal("x-key=s3cr3t", telemetry.Traces.Otlp!.Headers);
        Assert.Equal("x-key=t0ken", telemetry.Logs.Otlp!.Headers);
        Assert.DoesNotContain("s3cr3t", telemetry.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(telemetry.Variables, pair => pair.Key.Contains("HEADERS", StringComparison.Ordinal));
    }

    [Fact]
    public void Other_variables_of_the_specification_reach_the_SDK()
    {
        var telemetry = Read("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=64", "OTEL_TRACES_SAMPLER=always_off", "OTEL_BLRP_MAX_QUEUE_SIZE=");

        Assert.Equal(
            [new("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "64"), new("OTEL_TRACES_SAMPLER", "always_off")],
            telemetry.Variables.OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("OTEL_TRACES_EXPORTER=zipkin", "Use otlp, console, none")]
    [InlineData("OTEL_TRACES_EXPORTER=otpl", "Did you mean 'otlp'?")]
    [InlineData("OTEL_LOGS_EXPORTER=none,otlp", "Use none alone")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317", "Set it to the address of a collector")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=ftp://collector", "Set it to the address of a collector")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "Set it to one of grpc, http/protobuf")]
    [InlineData("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=soon", "Set it to a whole number")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS=s3cr3t", "Write name=value")]
    [InlineData("OTEL_RESOURCE_ATTRIBUTES=team", "Separate attributes by commas")]
    [InlineData("OTEL_TRACES_SAMPLER=jaeger_remote", "Set it to one of always_on")]
    [InlineData("OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=1%", "from 0 to 1")]
    [InlineData("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4096", "Lower the first, or raise the second")]
    [InlineData("OTEL_EXPORTER_OTLP_CERTIFICATE=missing.pem", "Put the PEM file there")]
    [InlineData("OTEL_METRIC_EXPORT_INTERVAL=0", "Set it to a whole number from 100")]
    public void A_wrong_value_is_an_error(string variables, string remedy)
    {
        var result = Result(variables.Split(' '));

        Assert.Null(result.Settings);
        var problem = Assert.Single(result.Errors);
        Assert.Contains(remedy, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OTEL_PROPAGATORS=b3multi")]
    [InlineData("OTEL_TRACES_SAMPLER_ARG=0.5")]
    public void A_value_without_effect_is_a_warning(string variable)
    {
        var result = Result(variable);

        Assert.NotNull(result.Settings);
        Assert.Contains("ONEX2031", Assert.Single(result.Warnings), StringComparison.Ordinal);
    }

    private TelemetrySettings Read(params string[] assignments)
    {
        var result = Result(assignments);
        Assert.Empty(result.Errors);
        return result.Settings!.Telemetry;
    }

    private SettingsResult Result(params string[] assignments)
    {
        foreach (var parts in assignments.Select(assignment => assignment.Split('=', 2)))
        {
            _environment[parts[0]] = parts[1];
        }

        return SettingsReader.Read(_environment, AppContext.BaseDirectory);
    }
}
