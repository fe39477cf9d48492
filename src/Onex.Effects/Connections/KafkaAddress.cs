using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;
using Onex.Effects.Discovery;

namespace Onex.Effects.Connections;

/// <summary>The address and user of a Kafka cluster. A class and not a record, so that nothing prints the password.</summary>
internal sealed class KafkaAddress
{
    private const string Plaintext = "PLAINTEXT";

    public required string Brokers { get; init; }

    public required string SecurityProtocol { get; init; }

    public required string? SaslMechanism { get; init; }

    public required string? User { get; init; }

    public required string? Password { get; init; }

    public static IReadOnlyList<ConnectionKey> Keys { get; } =
    [
        new("brokers", "text", "Required. The first brokers, `host:port`, separated by commas"),
        new("security_protocol", "text", "Whether the connection uses TLS (`SSL`), a user (`SASL`), or both")
        {
            Words = [Plaintext, "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
            Default = $"`{Plaintext}`",
        },
        new("sasl_mechanism", "text", "How the user is authenticated. Required with SASL")
        {
            Words = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        },
        new("user", "text", "The user. Required with SASL"),
        new("password", "text", "The user's password. Required with SASL"),
        .. TlsFiles.Keys,
    ];

    /// <summary>Reads the keys; null after reporting problems.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">The connection's name.</param>
    /// <param name="map">The connection.</param>
    /// <param name="fromEnvironment">The brokers from the environment, which replace those of the file; or null.</param>
    /// <param name="readText">Returns the text of a key, with its secrets; null if it is missing, or after reporting a problem.</param>
    public static KafkaAddress? Read(
        ConnectionsFile file, ScalarSyntax name, MapSyntax map, string? fromEnvironment, Func<string, string?> readText)
    {
        var before = file.ProblemCount;
        var brokers = string.IsNullOrEmpty(fromEnvironment) ? readText("brokers") : fromEnvironment;
        var protocol = ReadWord(file, map, "security_protocol") ?? Plaintext;
        var (mechanism, user, password) = (ReadWord(file, map, "sasl_mechanism"), readText("user"), readText("password"));
        string[] needed =
        [
            .. brokers is null ? ["brokers"] : Array.Empty<string>(),
            .. protocol.StartsWith("SASL", StringComparison.Ordinal)
                ? new (string Key, string? Value)[] { ("sasl_mechanism", mechanism), ("user", user), ("password", password) }
                    .Where(pair => pair.Value is null).Select(pair => pair.Key)
                : [],
        ];
        if (brokers is not null && ServiceAddress.IsService(brokers))
        {
            file.Report(ConnectionDiagnostics.ServiceOfOtherType(map.Find("brokers")?.At ?? name.At, name.Text));
        }

        foreach (var key in needed.Where(key => !map.Has(key)))
        {
            file.Report(ContractDiagnostics.MissingKey(name.At, $"connection '{Spelling.Clip(name.Text)}'", key, $"Add '{key}'."));
        }

        return file.ProblemCount != before || brokers is null
            ? null
            : new KafkaAddress
            {
                Brokers = brokers,
                SecurityProtocol = protocol,
                SaslMechanism = mechanism,
                User = user,
                Password = password,
            };
    }

    private static string? ReadWord(ConnectionsFile file, MapSyntax map, string key)
    {
        if (map.Find(key) is not { } node || file.ReadText(node, $"'{key}'") is not { } word)
        {
            return null;
        }

        var words = Keys.First(known => known.Name == key).Words;
        if (!words.Contains(word, StringComparer.Ordinal))
        {
            file.Report(ContractDiagnostics.WrongType(node.At, $"'{key}'", $"one of {string.Join(", ", words)}", "another word"));
        }

        return word;
    }
}
