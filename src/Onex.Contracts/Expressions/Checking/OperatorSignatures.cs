using System.Collections.Frozen;

namespace Onex.Contracts.Expressions.Checking;

/// <summary>
/// The signatures of the binary operators except <c>&amp;&amp;</c> and <c>||</c>. Numbers of different types can be compared, but
/// arithmetic needs one type.
/// </summary>
internal static class OperatorSignatures
{
    private static readonly string[] _comparisons =
    [
        "(bool, bool) -> bool", "(number, number) -> bool", "(string, string) -> bool", "(bytes, bytes) -> bool",
        "(timestamp, timestamp) -> bool", "(duration, duration) -> bool",
    ];

    private static readonly FrozenDictionary<string, Signature[]> _table = new Dictionary<string, string[]>
    {
        ["=="] = ["(A, A) -> bool"],
        ["!="] = ["(A, A) -> bool"],
        ["<"] = _comparisons,
        ["<="] = _comparisons,
        [">"] = _comparisons,
        [">="] = _comparisons,
        ["in"] = ["(A, list(A)) -> bool", "(A, map(A, B)) -> bool"],
        ["+"] =
        [
            "(int, int) -> int", "(uint, uint) -> uint", "(double, double) -> double", "(string, string) -> string",
            "(bytes, bytes) -> bytes",
            "(list(A), list(A)) -> list(A)", "(timestamp, duration) -> timestamp", "(duration, timestamp) -> timestamp",
            "(duration, duration) -> duration",
        ],
        ["-"] =
        [
            "(int, int) -> int", "(uint, uint) -> uint", "(double, double) -> double", "(timestamp, duration) -> timestamp",
            "(timestamp, timestamp) -> duration", "(duration, duration) -> duration",
        ],
        ["*"] = ["(int, int) -> int", "(uint, uint) -> uint", "(double, double) -> double"],
        ["/"] = ["(int, int) -> int", "(uint, uint) -> uint", "(double, double) -> double"],
        ["%"] = ["(int, int) -> int", "(uint, uint) -> uint"],
    }.ToFrozenDictionary(entry => entry.Key, entry => entry.Value.Select(text => new Signature(text)).ToArray());

    public static IReadOnlyList<Signature> For(string symbol) => _table[symbol];
}
