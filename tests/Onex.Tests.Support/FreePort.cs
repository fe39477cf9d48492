using System.Net;
using System.Net.Sockets;

namespace Onex.Tests.Support;

/// <summary>Ports on loopback that nobody listens on.</summary>
public static class FreePort
{
    private static readonly HashSet<int> _given = [];

    /// <summary>One that was not given before.</summary>
    public static int Next()
    {
        while (true)
        {
            if (Take(0) is { } port)
            {
                return port;
            }
        }
    }

    /// <summary>
    /// One from below those that the system gives to clients, for a server that puts further listeners well above its port, and that is
    /// killed and must get the same port again.
    /// </summary>
    public static int NextLow()
    {
        const int Lowest = 12000;
        const int Count = 16000;
        for (var tried = 0; tried < Count; tried++)
        {
            if (Take(Lowest + ((Environment.ProcessId + tried) % Count)) is { } port)
            {
                return port;
            }
        }

        throw new InvalidOperationException($"No port is free from {Lowest} on.");
    }

    private static int? Take(int wanted)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, wanted);
            listener.Start();
            var port = ((IPEndPoint)listener.LocalEndpoint).Port;
            lock (_given)
            {
                return _given.Add(port) ? port : null;
            }
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
