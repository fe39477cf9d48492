using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;

namespace Onex.Effects.Connections;

/// <summary>
/// The diagnostics that only files of connections have, in code order. Problems that contracts have too (YAML, unknown keys, missing keys,
/// durations) keep the codes of contracts. Each has a page in <c>docs/errors</c> and an example in <c>tests/connections/invalid</c>. None
/// holds a secret.
/// </summary>
internal static class ConnectionDiagnostics
{
    public static DiagnosticDraft IgnoredFile(string name) =>
        new(
            "ONEX2001", Severity.Warning, SourceSpan.Start, $"'{name}' is not read: files of connections end in '.yaml'.",
            "Rename it to end in '.yaml', or remove it.");

    public static DiagnosticDraft BadName(SourceSpan at, string name) =>
        Error(
            "ONEX2002", at, $"'{Spelling.Clip(name)}' cannot name a connection.",
            "Use lower-case letters, digits and dashes, a letter first, at most 63 characters.");

    public static DiagnosticDraft UnknownType(SourceSpan at, string type) =>
        Error(
            "ONEX2003", at, $"'{Spelling.Clip(type)}' is not a connection type.",
            Spelling.Suggest(type, "types", ConnectionTypes.All));

    public static DiagnosticDraft DefinedTwice(SourceSpan at, string name, string place) =>
        Error(
            "ONEX2004", at, $"connection '{Spelling.Clip(name)}' is defined at {place} already.",
            "Give one of the two another name, or remove it.");

    public static DiagnosticDraft BadAddress(SourceSpan at, string problem, string remedy) => Error("ONEX2005", at, problem + ".", remedy);

    public static DiagnosticDraft ServiceOfOtherType(SourceSpan at, string name) => BadAddress(
        at, $"connection '{Spelling.Clip(name)}' has the address of a service, which only connections of type http can look up",
        "Write the address of a host; Consul's DNS has one for each service: ledger.service.consul.");

    public static DiagnosticDraft BadSecret(SourceSpan at, string problem, string remedy) => Error("ONEX2006", at, problem + ".", remedy);

    public static DiagnosticDraft BadHeader(SourceSpan at, string problem) =>
        Error("ONEX2007", at, problem + ".", "Correct the name or the value, or leave it out.");

    public static DiagnosticDraft NotAHost(SourceSpan at, string text) =>
        Error("ONEX2008", at, $"'{Spelling.Clip(text)}' is neither a host nor an address range.",
            "Write a name without port (build.internal), or a range from its first address (10.0.0.0/8).");

    public static DiagnosticDraft BadRate(SourceSpan at, string text) =>
        Error("ONEX2009", at, $"'{Spelling.Clip(text)}' is not a rate.", "Write a number per second, minute or hour: 50/s, 600/m, 1000/h.");

    public static DiagnosticDraft LimitKeysDiffer(SourceSpan at) =>
        Error(
            "ONEX2009", at, "the 'key' of 'concurrency' is not that of 'rate_limit', and a connection has only one.",
            "Write the same key in both, or leave one out.");

    public static DiagnosticDraft ClusterRateTooHigh(SourceSpan at, int permitsMax) =>
        Error(
            "ONEX2009", at, $"a rate with 'scope: cluster' has at most {permitsMax} permits.",
            "Write a shorter period with fewer permits, or 'scope: process'.");

    public static DiagnosticDraft BadProperty(SourceSpan at, string problem, string remedy) => Error("ONEX2010", at, problem + ".", remedy);

    public static DiagnosticDraft BadCertificate(SourceSpan at, string key, string path) =>
        Error(
            "ONEX2011", at, $"'{key}' names '{Spelling.Clip(path)}', which cannot be read or holds no usable certificate.",
            key == "client_certificate"
                ? "Name a PEM file with a certificate and its private key without a password, that the user of onex may read."
                : "Name a PEM file with certificates that the user of onex may read.");

    private static DiagnosticDraft Error(string code, SourceSpan at, string problem, string remedy) =>
        new(code, Severity.Error, at, problem, remedy);
}
