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
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var port = ((IPEndPoint)listener.LocalEndpoint).Port;
            lock (_given)
            {
                if (_given.Add(port))
                {
                    return port;
                }
            }
        }
    }
}
