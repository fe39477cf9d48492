using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Onex.Contracts.Yaml;

namespace Onex.Effects.Connections;

/// <summary>The files of a connection's TLS, in PEM.</summary>
/// <param name="CaFile">The authorities that may sign the server's certificate; null for those of the system.</param>
/// <param name="ClientCertificate">The certificate that the client presents, with its private key; or null.</param>
internal sealed record TlsFiles(string? CaFile, string? ClientCertificate)
{
    private const string Ca = "ca_file";
    private const string Client = "client_certificate";

    public static TlsFiles None { get; } = new(null, null);

    public static IReadOnlyList<ConnectionKey> Keys { get; } =
    [
        new(Ca, "text", "A PEM file with the authorities that may sign the server's certificate. A relative path starts at this file")
        {
            Default = "those of the system",
        },
        new(Client, "text", "A PEM file with the certificate that the client presents, and its private key without a password")
        {
            Default = "none",
        },
    ];

    /// <summary>Reads the keys of a connection. A role that resolves no secrets does not open the files.</summary>
    public static TlsFiles Read(ConnectionsFile file, MapSyntax map, bool open) => new(
        PathOf(file, map, Ca, open ? path => _ = Authorities(path) : null),
        PathOf(file, map, Client, open ? path => Certificate(path).Dispose() : null));

    /// <summary>The options of a client that connects to the host.</summary>
    public SslClientAuthenticationOptions Options(string? host)
    {
        var options = new SslClientAuthenticationOptions { TargetHost = host };
        if (CaFile is not null)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(Authorities(CaFile));
        }

        if (ClientCertificate is not null)
        {
            options.ClientCertificates = [Certificate(ClientCertificate)];
        }

        return options;
    }

    private static string? PathOf(ConnectionsFile file, MapSyntax map, string key, Action<string>? open)
    {
        if (map.Find(key) is not { } node || file.Text(node, $"'{key}'") is not { } text)
        {
            return null;
        }

        var path = Path.GetFullPath(text, Path.GetDirectoryName(Path.GetFullPath(file.Path))!);
        try
        {
            open?.Invoke(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            file.Report(ConnectionDiagnostics.BadCertificate(node.At, key, text));
        }

        return path;
    }

    private static X509Certificate2Collection Authorities(string path)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(path);
        return authorities.Count > 0 ? authorities : throw new CryptographicException("The file has no certificate.");
    }

    private static X509Certificate2 Certificate(string path) => X509Certificate2.CreateFromPemFile(path);
}
