using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Secrets;

/// <summary>The rotation of Kafka's user, password and authority, in the steps of docs/operating.md, on a broker with SASL_SSL.</summary>
public sealed class KafkaRotationTests : IDisposable
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-kafka-rotation-");
    private readonly string _prefix = $"{Names.Next("rotation").Replace('_', '-')}.";

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task User_password_and_authority_of_Kafka_change_and_no_request_is_lost()
    {
        await using var broker = await KafkaBroker.StartOwnAsync(isSecured: true);
        using var certificates = new TestCertificates();
        await File.WriteAllTextAsync(
            Path.Combine(_directory.FullName, "sealing.yaml"),
            """
            contract: sealing
            version: 1.0.0
            input: { type: object }
            initial: sealing
            states:
              sealing:
                steps: [{ id: seal, compute: hash.sha256, with: { text: x } }]
                next: done
              done: { end: completed }
            """);

        // The new user and the new authority are added beside the old ones.
        await using (var old = await StartAsync(broker, "onex", "onex-secret", broker.CaFile))
        {
            await broker.SetPasswordAsync("onex-b", "second");
            await AnswersAsync(old);
            Assert.Equal(0, await old.TerminateAsync());
        }

        var both = Path.Combine(_directory.FullName, "both.pem");
        await File.WriteAllTextAsync(both, await File.ReadAllTextAsync(broker.CaFile) + await File.ReadAllTextAsync(certificates.CaFile));
        await using var rotated = await StartAsync(broker, "onex-b", "second", both);
        await AnswersAsync(rotated);

        // The old user goes, and the broker gets a certificate of the new authority: no process restarts.
        await broker.SetPasswordAsync("onex", null);
        await broker.ReplaceCertificateAsync(certificates.ServerFile);
        await rotated.ReadyAsync();
        await AnswersAsync(rotated);

        // A changed password of the same user does not interrupt open connections; a process that starts needs it.
        await broker.SetPasswordAsync("onex-b", "third");
        await AnswersAsync(rotated);
        Assert.Equal(0, await rotated.TerminateAsync());
        await using var late = OnexProcess.Start("all", Settings(broker, "onex-b", "second", certificates.CaFile));
        await Eventually.Async(
            async () => await late.GetAsync("/health") is { Status: HttpStatusCode.ServiceUnavailable }
                && late.Output.Any(line => line.Contains("SASL", StringComparison.OrdinalIgnoreCase)),
            _timeout, () => $"the process with the old password says so:\n{string.Join('\n', late.Output.Concat(late.Errors))}");
    }

    private static async Task AnswersAsync(OnexProcess process)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{process.HttpPort}"), Timeout = _timeout };
        using var response = await http.PostAsJsonAsync("/api/v1/requests?wait=60s", new { operation = "sealing", payload = new { } });
        var answer = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK && (string?)JsonNode.Parse(answer)!["status"] == "success", answer);
    }

    private Task<OnexProcess> StartAsync(KafkaBroker broker, string user, string password, string authority) =>
        OnexProcess.Start("all", Settings(broker, user, password, authority)).ReadyAsync();

    private Dictionary<string, string> Settings(KafkaBroker broker, string user, string password, string authority) => new(
        EmbeddedOnex.Settings(_directory))
    {
        ["ONEX_EVENT_BUS"] = "kafka",
        ["ONEX_TOPIC_PREFIX"] = _prefix,
        ["ONEX_PARTITIONS"] = OnexStack.Partitions.ToString(CultureInfo.InvariantCulture),
        ["KAFKA_BOOTSTRAP_SERVERS"] = broker.SecuredServers,
        ["KAFKA_SECURITY_PROTOCOL"] = "SASL_SSL",
        ["KAFKA_SASL_MECHANISM"] = "SCRAM-SHA-512",
        ["KAFKA_SASL_USERNAME"] = user,
        ["KAFKA_SASL_PASSWORD"] = password,
        ["KAFKA_SSL_CA_FILE"] = authority,
    };
}
