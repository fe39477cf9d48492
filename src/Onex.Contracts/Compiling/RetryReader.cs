using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

internal sealed class RetryReader(ContractScope scope)
{
    /// <summary>The policy that <c>retry</c> names or contains; null if there is none, or after reporting that it is no policy.</summary>
    public RetryPolicy? Read(SyntaxNode? node)
    {
        switch (node)
        {
            case null:
                return null;
            case MapSyntax map:
                return ReadPolicy(map);
            case ScalarSyntax { IsText: true } name:
                scope.Found.UsedRetries.Add(name.Text);
                if (scope.Declared.Retries.TryGetValue(name.Text, out var policy))
                {
                    return policy;
                }

                scope.Report(ContractDiagnostics.UnknownRetry(name.At, name.Text, scope.Declared.Retries.Keys));
                return null;
            default:
                scope.Report(ContractDiagnostics.WrongType(node.At, "'retry'", "the name of a policy, or a map", node.Kind));
                return null;
        }
    }

    /// <summary>Reads a policy; missing keys take their defaults.</summary>
    public RetryPolicy ReadPolicy(MapSyntax map)
    {
        scope.CheckKeys(map, Keys.Retry);
        var defaults = RetryPolicy.Default;
        var first = scope.Duration(map.Find("first"));
        var max = scope.Duration(map.Find("max"));
        var policy = new RetryPolicy(
            (int)ReadNumber(map, "attempts", 1, Limits.AttemptsMax, isWhole: true, defaults.Attempts),
            first ?? defaults.First,
            ReadNumber(map, "factor", 1, 100, isWhole: false, defaults.Factor),
            max ?? defaults.Max,
            ReadJitter(map.Find("jitter")),
            scope.Duration(map.Find("within")));

        if (policy.Attempts == 1)
        {
            foreach (var (key, _) in map.Entries.Where(entry => entry.Key.Text is "first" or "factor" or "max" or "jitter" or "within"))
            {
                scope.Report(ContractDiagnostics.RetryKeyUnused(key.At, key.Text));
            }
        }

        return Complete(policy, map, scope.Report);
    }

    /// <summary>
    /// Completes and checks a policy of a contract or a connection. If the first delay is longer than the default of <c>max</c>, it is also
    /// the longest, unless the file sets <c>max</c>.
    /// </summary>
    public static RetryPolicy Complete(RetryPolicy policy, MapSyntax map, Action<DiagnosticDraft> report)
    {
        if (policy.Max < policy.First && !map.Has("max"))
        {
            policy = policy with { Max = policy.First };
        }

        if (policy.Max < policy.First)
        {
            report(ContractDiagnostics.OutOfRange(map.Find("max")!.At, "max", "at least 'first'"));
        }
        else if (policy.LongestDelays > RetryPolicy.Span)
        {
            report(ContractDiagnostics.RetryBeyondLedger(
                map.At, policy.Attempts, Durations.Format(policy.LongestDelays), Durations.Format(RetryPolicy.Span)));
        }

        return policy;
    }

    private double ReadNumber(MapSyntax map, string key, double min, double max, bool isWhole, double defaultValue)
    {
        if (map.Find(key) is not { } node)
        {
            return defaultValue;
        }

        if (node is not ScalarSyntax { Number: { } number })
        {
            scope.Report(ContractDiagnostics.WrongType(node.At, $"'{key}'", "a number", node.Kind));
            return defaultValue;
        }

        if (number < min || number > max || (isWhole && !double.IsInteger(number)))
        {
            scope.Report(ContractDiagnostics.OutOfRange(node.At, key, $"{(isWhole ? "a whole number " : "")}from {min} to {max}"));
            return defaultValue;
        }

        return number;
    }

    private Jitter ReadJitter(SyntaxNode? node)
    {
        switch ((node as ScalarSyntax)?.Text)
        {
            case null when node is null:
            case "full":
                return Jitter.Full;
            case "none":
                return Jitter.None;
            default:
                scope.Report(ContractDiagnostics.WrongType(node!.At, "'jitter'", "'full' or 'none'", Describe(node)));
                return Jitter.Full;
        }
    }

    private static string Describe(SyntaxNode node) => node is ScalarSyntax scalar ? $"'{Spelling.Clip(scalar.Text)}'" : node.Kind;
}
