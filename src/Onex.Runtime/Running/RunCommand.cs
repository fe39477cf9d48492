using System.Runtime.InteropServices;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Effects.Vault;
using Onex.Hosting;
using Onex.Hosting.Discovery;
using Onex.Hosting.Health;
using Onex.Hosting.Logging;
using Onex.Hosting.Plugins;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Kafka;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Rider;
using Onex.Orchestrator;
using Onex.Persistence.Sqlite;
using Onex.Workers;

namespace Onex.Runtime.Running;

/// <summary><c>onex run</c>: composes a role and runs it until a signal.</summary>
internal static class RunCommand
{
    /// <summary>Checks settings, connections and contracts, so that all problems are reported at once; then runs the role.</summary>
    public static async Task<int> RunAsync(IReadOnlyDictionary<string, string> environment, string workingDirectory, CancellationToken stop)
    {
        MemoryLimit.Apply();
        var vault = new VaultSecrets();
        var plugins = Catalogue.LoadPlugins(environment, workingDirectory);
        var (settingsResult, source, contracts) = Load(environment, workingDirectory, plugins, vault);
        if (settingsResult is { Settings: { } withReferences, FromVault: { Count: > 0 } fromVault } && !contracts.HasErrors)
        {
            var (complete, exitCode) = await ReadSecretsAsync(environment, withReferences, fromVault, stop);
            if (complete is null)
            {
                return exitCode;
            }

            // Settings and contracts held references until now: they are loaded again with the values.
            environment = complete;
            (settingsResult, source, contracts) = Load(environment, workingDirectory, plugins, vault);
        }

        var pluginDiagnostics = plugins.Diagnostics.Concat(CreateOperations(plugins, settingsResult.Tentative)).ToList();
        foreach (var warning in Rendered(pluginDiagnostics, Severity.Warning).Concat(Warnings(settingsResult, contracts)))
        {
            await Console.Error.WriteLineAsync(warning);
        }

        var pluginErrors = Rendered(pluginDiagnostics, Severity.Error).ToList();
        if (settingsResult.Settings is not { } settings || contracts.HasErrors || pluginErrors.Count > 0)
        {
            foreach (var line in pluginErrors.Concat(settingsResult.Errors).Concat(contracts.ErrorLines))
            {
                await Console.Error.WriteLineAsync(line);
            }

            return OnexHost.BadConfiguration;
        }

        var builder = OnexHost.CreateBuilder(settings);
        builder.Services.AddSingleton(source);
        builder.Services.AddSingleton(vault);
        builder.Services.AddSingleton(plugins);
        AddServices(builder.Services, settings, contracts);
        if (settings.Runs(RuntimeProfile.Effects))
        {
            builder.Services.AddVaultSecrets(environment);
            builder.Services.AddSingleton<IRoleBootstrap, VaultSecretsSetup>();
        }

        return await builder.RunAsync(stop: stop);
    }

    private static (SettingsResult Settings, ContractsSource Source, LoadedContracts Contracts) Load(
        IReadOnlyDictionary<string, string> environment, string workingDirectory, PluginSet plugins, VaultSecrets vault)
    {
        var settingsResult = SettingsReader.Read(environment, workingDirectory, operationPrefixes: Catalogue.Prefixes(plugins));
        var source = new ContractsSource(settingsResult.Tentative, environment, plugins, vault);
        return (settingsResult, source, source.Load());
    }

    // Creates the operations that the role runs, so that a constructor that throws is reported before anything starts.
    private static IEnumerable<Diagnostic> CreateOperations(PluginSet plugins, RuntimeSettings settings) =>
        new (RuntimeProfile Profile, OperationRole Role)[]
            {
                (RuntimeProfile.Effects, OperationRole.Effect), (RuntimeProfile.Workers, OperationRole.Compute),
            }
            .Where(pair => settings.Runs(pair.Profile)).SelectMany(pair => plugins.Create(pair.Role));

    private static IEnumerable<string> Rendered(IEnumerable<Diagnostic> diagnostics, Severity severity) =>
        diagnostics.Where(diagnostic => diagnostic.Severity == severity).Select(diagnostic => diagnostic.Render().TrimEnd('\n'));

    // Returns the environment with the secrets of Vault; or null and the exit code, after a signal or if it cannot listen. Handles signals
    // itself, because the host does not run yet.
    private static async Task<(IReadOnlyDictionary<string, string>? Environment, int ExitCode)> ReadSecretsAsync(
        IReadOnlyDictionary<string, string> environment, RuntimeSettings settings, IReadOnlyList<VaultSetting> fromVault,
        CancellationToken stop)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        await using var host = await OnexHost.ListenWhileStartingAsync(settings);
        if (host is null)
        {
            return (null, OnexHost.Crashed);
        }

        using var logging = LoggerFactory.Create(builder =>
        {
            builder.AddOnexConsole(settings.LogLevel, settings.LogFormat);
            if (settings.LogDirectory is { } directory)
            {
                builder.AddOnexFile(directory);
            }
        });
        try
        {
            return (
                await VaultSettings.ReadAsync(
                    environment, fromVault, TimeProvider.System, logging.CreateLogger("Onex"), host.WaitFor, stopping.Token),
                OnexHost.Stopped);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return (null, OnexHost.Stopped);
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stopping.Cancel();
        }
    }

    private static IEnumerable<string> Warnings(SettingsResult settingsResult, LoadedContracts contracts) => settingsResult.Warnings.Concat(
        Rendered(contracts.Diagnostics, Severity.Warning));

    private static void AddServices(IServiceCollection services, RuntimeSettings settings, LoadedContracts contracts)
    {
        var name = $"onex-{settings.Profile.ToString().ToLowerInvariant()}";
        var connections = new ConnectionTable(contracts.Connections.Connections);
        services.AddSingleton(connections);
        services.AddSingleton(new ConsulClient(settings.Consul));
        if (settings.Store == StoreKind.Sqlite)
        {
            AddSqlite(services, settings);
        }
        else if (settings.Postgres is not null)
        {
            AddPostgres(services, settings, name);
        }

        services.AddSingleton(contracts);
        AddBus(services, settings, contracts.Topics, name);

        AddRoles(services, settings, contracts, connections);
        services.AddSingleton<IRoleBootstrap, HandlerReport>();
        services.AddSingleton<IRoleBootstrap, KnownLabels>();
        services.AddHostedService<ContractsReload>();

        services.AddBusHealth();
        services.AddSingleton<IHealthComponent, ConsumersComponent>();
        services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();

            // MassTransit requires a bus next to a rider; nothing is sent over this one.
            bus.UsingInMemory();
            bus.AddRider(rider => rider.UsingKafka((_, kafka) => AddEndpoints(settings, kafka)));
        });

        // After the bus, so that the process is deregistered before its consumers stop.
        if (settings.Registration is not null)
        {
            services.AddHostedService<ConsulRegistrar>();
        }
    }

    private static void AddSqlite(IServiceCollection services, RuntimeSettings settings)
    {
        services.AddOnexPersistence(new SqliteStoreSettings(Path.Combine(settings.DataDirectory, "onex.db")));
        services.AddSingleton<IDeadLetterSink, DeadLetterIndexing>();
        services.AddSingleton<IHealthComponent, SqliteHealth>();
        services.AddSingleton<IRoleBootstrap, SqliteSetup>();
    }

    private static void AddBus(IServiceCollection services, RuntimeSettings settings, IReadOnlyList<string> contractTopics, string name)
    {
        if (settings.EventBus == EventBus.InMemory)
        {
            services.AddOnexMemoryLog(
                [.. settings.Topics.All, .. contractTopics], settings.Partitions, settings.MemoryHistory,
                SettingsMapping.Memory(settings, name));
            return;
        }

        services.AddOnexKafka(SettingsMapping.Kafka(settings, name));
        services.AddSingleton<IHealthComponent, BrokerComponent>();
        services.AddSingleton<IHealthComponent, MissedRecordsComponent>();
        services.AddSingleton<TopicSetup>();
        services.AddSingleton<IRoleBootstrap>(provider => provider.GetRequiredService<TopicSetup>());
    }

    private static void AddPostgres(IServiceCollection services, RuntimeSettings settings, string name)
    {
        services.AddOnexPersistence(SettingsMapping.Store(settings, name));
        services.AddSingleton<IDeadLetterSink, DeadLetterIndexing>();
        services.AddSingleton<IHealthComponent, DatabaseHealth>();
        if (settings.Runs(RuntimeProfile.Main) || settings.Runs(RuntimeProfile.Effects))
        {
            services.AddSingleton<IRoleBootstrap, DatabaseSetup>();
        }
    }

    private static void AddRoles(
        IServiceCollection services, RuntimeSettings settings, LoadedContracts contracts, ConnectionTable connections)
    {
        if (settings.Runs(RuntimeProfile.Main))
        {
            services.AddOnexOrchestrator(
                settings, contracts.Compilation.Plans, contracts.Context, () => EffectsRole.NamesOfGates(connections));
            services.AddSingleton<ContractRegistration>();
            services.AddSingleton<IRoleBootstrap>(provider => provider.GetRequiredService<ContractRegistration>());
        }

        if (settings.Runs(RuntimeProfile.Effects))
        {
            services.AddOnexEffects(settings, connections);
        }

        if (settings.Runs(RuntimeProfile.Workers))
        {
            services.AddOnexWorkers(settings);
        }
    }

    private static void AddEndpoints(RuntimeSettings settings, IKafkaRiderConfigurator kafka)
    {
        if (settings.Runs(RuntimeProfile.Main))
        {
            kafka.BatchEndpoint("main", settings.Topics.ReadByMain, settings.MainGroup, OrchestratorRole.Handler);
        }

        if (settings.Runs(RuntimeProfile.Effects))
        {
            EffectsRole.Configure(settings, kafka);
        }

        if (settings.Runs(RuntimeProfile.Workers))
        {
            WorkersRole.Configure(settings, kafka);
        }
    }
}
