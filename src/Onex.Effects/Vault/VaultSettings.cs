using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Onex.Effects.Connections;
using Onex.Effects.Http;
using Onex.Hosting.Discovery;
using Onex.Hosting.Health;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;

namespace Onex.Effects.Vault;

/// <summary>Reads the secret settings that refer to Vault, once, before anything uses them.</summary>
public static class VaultSettings
{
    private static readonly TimeSpan _requestTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    /// <summary>Returns the environment with the values in place of the references.</summary>
    /// <param name="environment">The variables, with the address of Vault and the login.</param>
    /// <param name="settings">The settings that refer to Vault.</param>
    /// <param name="time">Measures the pauses.</param>
    /// <param name="logger">Logs once that the start waits for Vault; null to throw instead of waiting.</param>
    /// <param name="waitsFor">Receives what the start waits for and why, each time that Vault is not available.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="ConfigurationException">Somebody must correct a reference or the login.</exception>
    /// <exception cref="NotReachableException">Vault is sealed or cannot be reached, and there is no logger.</exception>
    public static async Task<IReadOnlyDictionary<string, string>> ReadAsync(
        IReadOnlyDictionary<string, string> environment, IReadOnlyList<VaultSetting> settings, TimeProvider time, ILogger? logger,
        Action<string>? waitsFor, CancellationToken cancellation)
    {
        var connection = VaultReader.FromSettings(environment);
        await using var services = new ServiceCollection()
            .AddSingleton(time)
            .AddSingleton<RoleHealth>()
            .AddLogging()
            .AddSingleton(new ConsulClient(new ConsulConnection(connection.Url!, null))) // Unused: the address is not that of a service.
            .AddOperationClients(new ConnectionTable(new Dictionary<string, Connection>(StringComparer.Ordinal)))
            .BuildServiceProvider();
        await using var session = new VaultSession(
            connection, services.GetRequiredService<ConnectionTable>(), services.GetRequiredService<HttpTransport>(),
            services.GetRequiredService<RoleHealth>(), time, NullLogger.Instance);
        var hasLogged = false;
        for (var pause = _firstPause; ; pause = pause * 2 < _longestPause ? pause * 2 : _longestPause)
        {
            try
            {
                var values = await ReadAsync(session, settings, cancellation);
                return environment
                    .Where(variable => !settings.Any(
                        setting => variable.Key == setting.Variable || variable.Key == setting.Variable + "_FILE"))
                    .Concat(values)
                    .ToDictionary(StringComparer.Ordinal);
            }
            catch (NotReachableException unavailable) when (logger is not null)
            {
                if (!hasLogged)
                {
                    Log.StartWaitsForVault(logger, connection.Url!, unavailable.Message);
                }

                hasLogged = true;
                waitsFor?.Invoke($"Vault at {connection.Url}, to which settings refer: {unavailable.Message}");
            }

            await Task.Delay(pause, time, cancellation);
        }
    }

    private static async Task<Dictionary<string, string>> ReadAsync(
        VaultSession session, IReadOnlyList<VaultSetting> settings, CancellationToken cancellation)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var problems = new List<string>();
        foreach (var group in settings.GroupBy(setting => setting.Path, StringComparer.Ordinal))
        {
            var content = await ReadAsync(session, group.Key, cancellation);
            foreach (var setting in group)
            {
                var value = content.Found?.Fields.GetValueOrDefault(setting.Field);
                if (FindProblem(setting, content, value) is { } problem)
                {
                    problems.Add(problem);
                }
                else
                {
                    values[setting.Variable] = value!;
                }
            }
        }

        return problems.Count == 0 ? values : throw new ConfigurationException(problems);
    }

    private static string? FindProblem(
        VaultSetting setting, (VaultSecretContent? Found, string? Problem) content, string? value) => content switch
        {
            { Found: null } => setting.Render(content.Problem!, "Correct the reference, the policy or the login of Vault."),
            _ when value is null => setting.Render("The secret has no such field.", "Correct the field, or write it to the secret."),
            _ when string.IsNullOrWhiteSpace(value) => setting.Render("The field is empty.", "Write the value to the secret."),
            { Found.LeaseId: not null } => setting.Render(
                "The secret ends with a lease, but settings are read only at the start.",
                "Refer to a secret without a lease, as those of KV engines. Connections may use secrets with leases."),
            _ => null,
        };

    private static async Task<(VaultSecretContent? Found, string? Problem)> ReadAsync(
        VaultSession session, string path, CancellationToken cancellation)
    {
        if (VaultPaths.Encode(path) is null)
        {
            return (null, "The path is malformed.");
        }

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(_requestTimeout);
        try
        {
            return (await new VaultSecretReader(session, path).ReadAsync(timeout.Token), null);
        }
        catch (VaultException exception) when (MustBeCorrected(exception.Code))
        {
            return (null, exception.Message);
        }
        catch (VaultException exception)
        {
            throw new NotReachableException(exception.Message, exception);
        }
        catch (OperationCanceledException exception) when (!cancellation.IsCancellationRequested)
        {
            throw new NotReachableException($"Vault did not answer within {_requestTimeout.TotalSeconds:0} s.", exception);
        }
    }

    private static bool MustBeCorrected(string code) =>
        code is "authentication_failed" or "secret_not_found" or "secret_forbidden" or "answer_unreadable"
        || (code.StartsWith("http_4", StringComparison.Ordinal) && code is not ("http_408" or "http_429"));
}
