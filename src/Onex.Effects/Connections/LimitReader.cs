using System.Globalization;
using System.Text.RegularExpressions;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Effects.Connections;

/// <summary>Reads <c>rate_limit</c> and <c>concurrency</c> of a connection.</summary>
internal sealed partial class LimitReader(ConnectionsFile file)
{
    // Redis stores a time for each permit.
    private const int ClusterPermitsMax = 10_000;

    /// <summary>Returns the limits that the connection's gate counts, those that it does not, and their key; reports problems.</summary>
    public (RateLimit? Rate, int? Concurrency, SharedLimitSettings? Shared, string? Key) Read(
        string type, SyntaxNode? rateNode, SyntaxNode? concurrencyNode)
    {
        var rate = rateNode is null ? null : ReadRate(rateNode);
        var slots = concurrencyNode is null ? null : ReadConcurrency(type, concurrencyNode);
        if (rate?.Key is { } rateKey && slots?.Key is { } slotsKey && rateKey != slotsKey)
        {
            file.Report(ConnectionDiagnostics.LimitKeysDiffer(concurrencyNode!.At));
        }

        // The connection's gate counts what needs neither Redis nor a table of keys. A concurrency of all processes also bounds each one.
        var key = rate?.Key ?? slots?.Key;
        var (sharedRate, sharedSlots) = (rate?.IsShared == true ? rate : null, slots?.IsShared == true ? slots : null);
        return (
            rate?.IsShared == false ? rate.Value : null,
            slots?.Key is null ? slots?.Value : null,
            sharedRate is null && sharedSlots is null
                ? null
                : new SharedLimitSettings(
                    sharedRate?.Value, sharedRate?.IsOfCluster == true, sharedSlots?.Value, sharedSlots?.IsOfCluster == true)
                {
                    IsRateKeyed = sharedRate?.Key is not null,
                    IsConcurrencyKeyed = sharedSlots?.Key is not null,
                },
            key);
    }

    private Limit<RateLimit>? ReadRate(SyntaxNode node)
    {
        if (node is not MapSyntax map)
        {
            return ReadRateText(node) is { } written ? new Limit<RateLimit>(written, IsOfCluster: false, Key: null) : null;
        }

        Require(map, "rate_limit", ConnectionKeys.Rate, "permits", "per");
        var permits = map.Find("permits") is { } number ? file.ReadInteger(number, ConnectionKeys.Rate[0]) : null;
        var per = map.Find("per") is { } period ? file.ReadDuration(period, ConnectionKeys.Rate[1]) : null;
        var (isOfCluster, key) = (ReadIsOfCluster(map), ReadKey(map));
        if (isOfCluster && permits > ClusterPermitsMax)
        {
            file.Report(ConnectionDiagnostics.ClusterRateTooHigh(map.Find("permits")!.At, ClusterPermitsMax));
        }

        return permits is { } count && per is { } window ? new Limit<RateLimit>(new RateLimit(count, window), isOfCluster, key) : null;
    }

    private Limit<int>? ReadConcurrency(string type, SyntaxNode node)
    {
        var slotsMax = ConnectionTypes.ConcurrencyMaxOf(type);
        if (node is not MapSyntax map)
        {
            return file.ReadInteger(node, "concurrency", 1, slotsMax) is { } written
                ? new Limit<int>(written, IsOfCluster: false, Key: null)
                : null;
        }

        Require(map, "concurrency", ConnectionKeys.Concurrency, "max");
        var slots = map.Find("max") is { } number ? file.ReadInteger(number, "max", 1, slotsMax) : null;
        var (isOfCluster, key) = (ReadIsOfCluster(map), ReadKey(map));
        return slots is { } max ? new Limit<int>(max, isOfCluster, key) : null;
    }

    private void Require(MapSyntax map, string what, IReadOnlyList<ConnectionKey> known, params ReadOnlySpan<string> needed)
    {
        _ = file.ReadEntries(map, [.. known.Select(key => key.Name)], $"'{what}'");
        foreach (var key in needed)
        {
            if (!map.Has(key))
            {
                file.Report(ContractDiagnostics.MissingKey(map.At, $"'{what}'", key, $"Add '{key}'."));
            }
        }
    }

    private bool ReadIsOfCluster(MapSyntax map)
    {
        var scope = map.Find("scope") is { } node ? file.ReadText(node, "'scope'") : null;
        if (scope is not (null or "process" or "cluster"))
        {
            file.Report(
                ContractDiagnostics.WrongType(map.Find("scope")!.At, "'scope'", "'process' or 'cluster'", $"'{Spelling.Clip(scope)}'"));
        }

        return scope == "cluster";
    }

    private string? ReadKey(MapSyntax map) => map.Find("key") is { } node ? file.ReadText(node, "'key'") : null;

    private RateLimit? ReadRateText(SyntaxNode node)
    {
        if (file.ReadText(node, "'rate_limit'") is not { } text)
        {
            return null;
        }

        var match = RatePattern().Match(text);
        if (!match.Success || !int.TryParse(match.Groups["count"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || count == 0)
        {
            file.Report(ConnectionDiagnostics.BadRate(node.At, text));
            return null;
        }

        return new RateLimit(count, match.Groups["unit"].Value switch
        {
            "s" => TimeSpan.FromSeconds(1),
            "m" => TimeSpan.FromMinutes(1),
            _ => TimeSpan.FromHours(1),
        });
    }

    [GeneratedRegex("^(?<count>[0-9]{1,9})/(?<unit>s|m|h)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RatePattern();

    private sealed record Limit<T>(T Value, bool IsOfCluster, string? Key)
    {
        public bool IsShared => IsOfCluster || Key is not null;
    }
}
