using System.Net;
using System.Net.Sockets;

namespace Onex.Tests.Support;

/// <summary>Unused ports on loopback.</summary>
public static class FreePort
{
    private static readonly HashSet<int> _returned = [];

    /// <summary>A port that was not returned before.</summary>
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
    /// A port below the ephemeral range, for a server that opens further ports well above its own and must get the same port again after it
    /// is killed.
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

    // Returns the port if it is free and was not returned before, else null. The system chooses the port for 0.
    private static int? Take(int number)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, number);
            listener.Start();
            var port = ((IPEndPoint)listener.LocalEndpoint).Port;
            lock (_returned)
            {
                return _returned.Add(port) ? port : null;
            }
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
