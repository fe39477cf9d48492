using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Onex.Contracts.Yaml;

namespace Onex.Effects.Connections;

/// <summary>The PEM files of a connection's TLS.</summary>
/// <param name="CaFile">The authorities that may sign the server's certificate; null for those of the system.</param>
/// <param name="ClientCertificate">The certificate that the client presents, with its private key; or null.</param>
internal sealed record TlsFiles(string? CaFile, string? ClientCertificate)
{
    // The contents when the connection was read, so that a file that breaks later does not break clients that use Options. Those of
    // PostgreSQL and Kafka read the files themselves.
    private readonly string? _caText;
    private readonly string? _clientText;

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
    public static TlsFiles Read(ConnectionsFile file, MapSyntax map, bool open)
    {
        var (ca, caText) = Read(file, map, Ca, open ? text => _ = ParseAuthorities(text) : null);
        var (client, clientText) = Read(file, map, Client, open ? text => ParseCertificate(text).Dispose() : null);
        return new TlsFiles(ca, client, caText, clientText);
    }

    private TlsFiles(string? ca, string? client, string? caText, string? clientText)
        : this(ca, client) => (_caText, _clientText) = (caText, clientText);

    public IEnumerable<string> Texts => new[] { _caText, _clientText }.OfType<string>();

    /// <summary>The options of a client that connects to the host.</summary>
    public SslClientAuthenticationOptions Options(string? host)
    {
        var options = new SslClientAuthenticationOptions { TargetHost = host };
        if (_caText is not null)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(ParseAuthorities(_caText));
        }

        if (_clientText is not null)
        {
            options.ClientCertificates = [ParseCertificate(_clientText)];
        }

        return options;
    }

    /// <summary>These files without the certificate that the client presents.</summary>
    public TlsFiles WithoutClientCertificate => new(CaFile, null, _caText, null);

    /// <summary>These files with the authorities of a PEM file; null if it cannot be read or holds none.</summary>
    public TlsFiles? TryWithAuthorities(string path)
    {
        try
        {
            var pem = File.ReadAllText(path);
            _ = ParseAuthorities(pem);
            return new TlsFiles(path, ClientCertificate, pem, _clientText);
        }
        catch (Exception exception) when (IsUnusable(exception))
        {
            return null;
        }
    }

    private static (string? Path, string? Text) Read(ConnectionsFile file, MapSyntax map, string key, Action<string>? check)
    {
        if (map.Find(key) is not { } node || file.ReadText(node, $"'{key}'") is not { } text)
        {
            return (null, null);
        }

        var path = Path.GetFullPath(text, Path.GetDirectoryName(Path.GetFullPath(file.Path))!);
        if (check is null)
        {
            return (path, null);
        }

        file.OtherFiles.Add(path);
        try
        {
            var pem = File.ReadAllText(path);
            check(pem);
            return (path, pem);
        }
        catch (Exception exception) when (IsUnusable(exception))
        {
            file.Report(ConnectionDiagnostics.BadCertificate(node.At, key, text));
        }

        return (path, null);
    }

    private static bool IsUnusable(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or CryptographicException;

    private static X509Certificate2Collection ParseAuthorities(string pem)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(pem);
        return authorities.Count > 0 ? authorities : throw new CryptographicException("The file has no certificate.");
    }

    private static X509Certificate2 ParseCertificate(string pem) => X509Certificate2.CreateFromPem(pem, pem);
}
