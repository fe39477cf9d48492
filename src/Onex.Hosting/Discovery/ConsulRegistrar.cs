using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Onex.Hosting.Health;
using Onex.Hosting.Settings;

namespace Onex.Hosting.Discovery;

/// <summary>
/// Keeps the process registered as a service in Consul, with a check on <c>/ready</c>, and removes it when the process stops. Without
/// Consul the role works, but is degraded. Start it last: services stop in reverse order, so it leaves Consul first.
/// </summary>
public sealed class ConsulRegistrar(
    ConsulClient consul, RuntimeSettings settings, RoleHealth health, TimeProvider time, ILogger<ConsulRegistrar> logger)
    : BackgroundService
{
    /// <summary>The name that it has among the failed handlers of <c>/health</c>.</summary>
    internal const string HandlerName = "consul registration";

    // Consul's minimum. A role that is not ready for longer is removed, and registers again.
    private const string DeregisterAfter = "1m";

    private static readonly TimeSpan _period = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _leaveMax = TimeSpan.FromSeconds(2);

    private readonly ConsulRegistration _registration = settings.Registration
        ?? throw new InvalidOperationException("The settings ask for no registration.");

    private bool _isRegistered;

    // Also if the answer was lost.
    private bool _mayBeRegistered;

    /// <summary>The instance's id: the same for every start of this process on this host.</summary>
    internal string Id => string.Create(
        CultureInfo.InvariantCulture, $"{_registration.Service}-{Environment.MachineName}-{settings.HttpPort}");

    /// <inheritdoc />
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (!_mayBeRegistered)
        {
            return;
        }

        try
        {
            await consul.DeregisterAsync(Id, cancellationToken).WaitAsync(_leaveMax, time, cancellationToken);
            Log.Deregistered(logger, Id);
        }
        catch (Exception failure) when (failure is ConsulException or TimeoutException)
        {
            Log.DeregistrationFailed(logger, Id, DeregisterAfter, failure.Message);
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string? failureMessage = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await EnsureRegisteredAsync(stoppingToken);
                if (failureMessage is not null)
                {
                    Log.ConsulReached(logger, consul.Address.Authority);
                }

                failureMessage = null;
            }
            catch (Exception failure) when (failure is ConsulException or SocketException)
            {
                if (failureMessage is null)
                {
                    Log.RegistrationFailed(logger, Id, failure.Message);
                }

                failureMessage = failure.Message;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            health.Report(
                HandlerName, failureMessage,
                new Remedy("Check that the agent answers at CONSUL_HOST and accepts CONSUL_TOKEN.", "registration-in-consul"));
            await Task.Delay(_period, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Registers at first, and again if the agent does not have the instance any more: one that restarts without its data loses it.
    private async Task EnsureRegisteredAsync(CancellationToken cancellation)
    {
        if (_isRegistered && await consul.HasAsync(Id, cancellation))
        {
            return;
        }

        var host = _registration.Host ?? await OwnAddressAsync(cancellation);
        _mayBeRegistered = true;
        await consul.RegisterAsync(Describe(host), cancellation);
        if (_isRegistered)
        {
            Log.RegisteredAgain(logger, Id);
            return;
        }

        _isRegistered = true;
        Log.Registered(logger, Id, host, _registration.Port);
        if (_registration.Host is null && (settings.HttpBind == "localhost" || IsLoopback(settings.HttpBind)))
        {
            Log.RegisteredLoopback(logger, settings.HttpBind);
        }
    }

    private AgentService Describe(string host) => new(
        Id, _registration.Service, host, _registration.Port,
        [$"profile={settings.Profile.ToString().ToLowerInvariant()}", $"version={OnexHost.Version}"],
        new AgentCheck(
            "onex /ready", new UriBuilder(Uri.UriSchemeHttp, host, _registration.Port, "/ready").Uri.AbsoluteUri,
            Interval: "5s", Timeout: "3s", DeregisterAfter));

    // The address at which the HTTP server listens; if that is every interface, the address of the one that leads to Consul.
    private async Task<string> OwnAddressAsync(CancellationToken cancellation)
    {
        switch (settings.HttpBind)
        {
            case "localhost":
                return IPAddress.Loopback.ToString();
            case "*" or "0.0.0.0" or "::":
                // Sends nothing: connecting a UDP socket only chooses the route.
                var addresses = await Dns.GetHostAddressesAsync(consul.Address.IdnHost, cancellation);
                var target = addresses.FirstOrDefault() ?? throw new SocketException((int)SocketError.HostNotFound);
                using (var socket = new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp))
                {
                    await socket.ConnectAsync(new IPEndPoint(target, consul.Address.Port), cancellation);
                    return ((IPEndPoint)socket.LocalEndPoint!).Address.ToString();
                }

            default:
                return settings.HttpBind;
        }
    }

    private static bool IsLoopback(string address) => IPAddress.TryParse(address, out var parsed) && IPAddress.IsLoopback(parsed);
}
