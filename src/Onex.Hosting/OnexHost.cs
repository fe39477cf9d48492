using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Onex.Hosting.Health;
using Onex.Hosting.Http;
using Onex.Hosting.Logging;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Hosting.Telemetry;
using Onex.Metrics;

namespace Onex.Hosting;

/// <summary>Starts and runs a role. The entry point of this project.</summary>
public static class OnexHost
{
    /// <summary>The exit code after a stop by a signal and draining.</summary>
    public const int Stopped = 0;

    /// <summary>The exit code after a crash, or if the process could not listen.</summary>
    public const int Crashed = 1;

    /// <summary>The exit code for a bad configuration or contract: EX_CONFIG of sysexits.h, which differs from that of a crash.</summary>
    public const int BadConfiguration = 78;

    // The longest time for HTTP to close after draining, and for the services to be disposed of then.
    private static readonly TimeSpan _closeMax = TimeSpan.FromSeconds(5);

    /// <summary>The version of the program.</summary>
    public static string Version => HealthAnswers.Version;

    /// <summary>
    /// Creates a host with the parts that all roles share: settings, clock, logs, health. Hosted services that are registered on it start
    /// after every <see cref="IRoleBootstrap"/> has completed.
    /// </summary>
    public static WebApplicationBuilder CreateBuilder(RuntimeSettings settings)
    {
        var builder = CreateListening(settings);
        if (settings.LogDirectory is { } directory)
        {
            builder.Logging.AddOnexFile(directory);
        }

        var services = builder.Services;
        services.AddSingleton(settings);
        services.AddHostedService(provider => provider.GetRequiredService<HealthMonitor>());
        services.AddSingleton<OnexMeter>();
        services.AddSingleton<HealthMetrics>();
        services.AddSingleton<IHttpEndpoints, MetricsEndpoint>();
        services.AddSingleton<RoleServices>();
        builder.AddOnexTelemetry(settings);
        services.Configure<HostOptions>(host => host.ShutdownTimeout = _closeMax);
        services.AddSingleton(new OwnServices([.. services]));
        return builder;
    }

    /// <summary>
    /// Listens while the role cannot be composed yet, because its settings are incomplete: <c>/health</c> and <c>/ready</c> say that it is
    /// not initialized, and what it waits for. Returns null if it cannot listen. The role listens on the same port afterwards.
    /// </summary>
    /// <param name="settings">The settings as far as they are known.</param>
    /// <param name="errors">Receives messages for the person who starts it; stderr if null.</param>
    public static async Task<StartingHost?> ListenWhileStartingAsync(RuntimeSettings settings, TextWriter? errors = null)
    {
        var app = CreateListening(settings).Build();
        app.Services.GetRequiredService<HealthAnswers>().Map(app, []);
        if (await TryListenAsync(app, settings, errors ?? Console.Error))
        {
            return new StartingHost(app);
        }

        await app.DisposeAsync();
        return null;
    }

    /// <summary>Makes readiness depend on MassTransit's bus and each of its rider endpoints.</summary>
    public static IServiceCollection AddBusHealth(this IServiceCollection services) => services.AddSingleton<IHealthComponent, BusHealth>();

    /// <summary>
    /// Runs the role until a signal or <paramref name="stop"/> stops it, and returns the exit code. HTTP listens first and closes last.
    /// </summary>
    /// <param name="builder">A builder from <see cref="CreateBuilder"/> with the role's services.</param>
    /// <param name="errors">Receives messages for the person who starts it; stderr if null.</param>
    /// <param name="stop">Stops the role as SIGTERM does.</param>
    public static async Task<int> RunAsync(this WebApplicationBuilder builder, TextWriter? errors = null, CancellationToken stop = default)
    {
        errors ??= Console.Error;
        var own = builder.Services.Select(service => service.ImplementationInstance).OfType<OwnServices>().Single();
        RoleServices.Defer(builder.Services, own.Descriptors);
        var app = builder.Build();
        try
        {
            app.Services.GetRequiredService<HealthAnswers>().Map(app, app.Services.GetRequiredService<RuntimeSettings>().ApiTokens);
            app.Services.GetRequiredService<HealthMetrics>();
            foreach (var endpoints in app.Services.GetServices<IHttpEndpoints>())
            {
                endpoints.Map(app);
            }

            return await RunAsync(app, errors, stop);
        }
        finally
        {
            // A service that hangs in its disposal ends with the process.
            await app.DisposeAsync().AsTask().WaitAsync(_closeMax, CancellationToken.None).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task<int> RunAsync(WebApplication app, TextWriter errors, CancellationToken stop)
    {
        var settings = app.Services.GetRequiredService<RuntimeSettings>();
        if (!await TryListenAsync(app, settings, errors))
        {
            return Crashed;
        }

        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Onex");
        Log.Starting(
            logger,
            Version,
            settings.Profile.ToString().ToLowerInvariant(),
            settings.Store == StoreKind.Sqlite
                ? $"sqlite in {settings.DataDirectory}"
                : $"postgres {settings.Postgres?.ToString() ?? "not set"}",
            settings.EventBus == EventBus.Kafka ? $"kafka {settings.Kafka}" : "in memory",
            settings.ContractsDirectory,
            settings.HttpBind is "*" or "0.0.0.0" or "::" ? "localhost" : settings.HttpBind,
            settings.HttpPort,
            settings.EnvironmentName);

        // As soon as the stop begins, so that load balancers send no more calls.
        using var draining = app.Lifetime.ApplicationStopping.Register(app.Services.GetRequiredService<RoleHealth>().MarkDraining);
        using var stopping = stop.Register(app.Lifetime.StopApplication);
        var role = app.Services.GetRequiredService<RoleServices>();
        var exit = await RunRoleAsync(app, role, errors);
        app.Lifetime.StopApplication();

        using (var grace = new CancellationTokenSource(settings.GracePeriod, app.Services.GetRequiredService<TimeProvider>()))
        {
            await role.StopAsync(grace.Token);
        }

        await app.StopAsync(CancellationToken.None);
        return exit;
    }

    private static async Task<int> RunRoleAsync(WebApplication app, RoleServices role, TextWriter errors)
    {
        var stopping = app.Lifetime.ApplicationStopping;
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Onex");
        try
        {
            await role.StartAsync(stopping);
            var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var signal = stopping.Register(stopped.SetResult);
            await await Task.WhenAny(stopped.Task, role.Faulted);
            Log.Stopping(logger);
            return Stopped;
        }
        catch (Exception interrupted) when (stopping.IsCancellationRequested)
        {
            Log.StoppedDuringStart(logger, interrupted);
            return Stopped;
        }
        catch (ConfigurationException wrong)
        {
            foreach (var line in wrong.Lines)
            {
                await errors.WriteLineAsync(line);
            }

            return BadConfiguration;
        }
        catch (Exception crash)
        {
            Log.Crashed(logger, crash);
            await errors.WriteLineAsync($"onex: crashed: {crash.Message}");
            return Crashed;
        }
    }

    private static async Task<bool> TryListenAsync(WebApplication app, RuntimeSettings settings, TextWriter errors)
    {
        try
        {
            await app.StartAsync();
            return true;
        }
        catch (IOException failure) when (failure.InnerException is AddressInUseException)
        {
            await errors.WriteLineAsync(
                $"Address already in use: another process listens on {settings.HttpBind}:{settings.HttpPort}. "
                + "Stop it, or set ONEX_HTTP_PORT to a free port (with compose: RUNTIME_MAIN_PORT, RUNTIME_EFFECTS_PORT).");
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            await errors.WriteLineAsync(
                $"Cannot listen on {settings.HttpBind}:{settings.HttpPort}: {failure.Message}. "
                + "Set ONEX_HTTP_BIND to an address of this machine, ONEX_HTTP_PORT to a port that is allowed.");
        }

        return false;
    }

    private static WebApplicationBuilder CreateListening(RuntimeSettings settings)
    {
        // Empty, so that appsettings.json, ASPNETCORE_* and the like are not read.
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ApplicationName = "onex", ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, settings));
        builder.Logging.AddOnexConsole(settings.LogLevel, settings.LogFormat);
        builder.Services.AddRoutingCore();
        builder.Services.Configure<ConsoleLifetimeOptions>(console => console.SuppressStatusMessages = true);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<RoleHealth>();
        builder.Services.AddSingleton<HealthMonitor>();
        builder.Services.AddSingleton<HealthAnswers>();
        return builder;
    }

    private static void Listen(KestrelServerOptions kestrel, RuntimeSettings settings)
    {
        kestrel.AddServerHeader = false;
        switch (settings.HttpBind)
        {
            case "*":
                kestrel.ListenAnyIP(settings.HttpPort);
                break;
            case "localhost":
                kestrel.ListenLocalhost(settings.HttpPort);
                break;
            default:
                kestrel.Listen(IPAddress.Parse(settings.HttpBind), settings.HttpPort);
                break;
        }
    }

    // The services that the framework starts itself: those that are registered before the role's.
    private sealed record OwnServices(HashSet<ServiceDescriptor> Descriptors);
}
