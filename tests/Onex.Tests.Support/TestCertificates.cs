using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Onex.Tests.Support;

/// <summary>
/// Files with the certificates of a private authority: its own, one for a client, and one for a server that is 127.0.0.1 and the service
/// <c>stock</c>.
/// </summary>
public sealed class TestCertificates : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("onex-certificates-").FullName;
    private readonly X509Certificate2 _authority;

    public TestCertificates()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority of tests", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(From, Until);
        CaFile = Write("ca.pem", _authority.ExportCertificatePem());
        ServerFile = Issue("server");
        ClientFile = Issue("client");
    }

    /// <summary>The authority's certificate.</summary>
    public string CaFile { get; }

    /// <summary>The server's certificate with its key.</summary>
    public string ServerFile { get; }

    /// <summary>The client's certificate with its key.</summary>
    public string ClientFile { get; }

    private static DateTimeOffset From => TimeProvider.System.GetUtcNow().AddDays(-1);

    private static DateTimeOffset Until => TimeProvider.System.GetUtcNow().AddDays(30);

    /// <inheritdoc />
    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private string Issue(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("stock");
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(_authority, From.AddMinutes(1), Until.AddMinutes(-1), RandomNumberGenerator.GetBytes(16));
        return Write($"{name}.pem", $"{issued.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }
}
