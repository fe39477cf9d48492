using Onex.Contracts.Yaml;
using SourceFile = Onex.Contracts.Diagnostics.SourceFile;

namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>
/// The bytes that the compiler allocates for a hostile file: never more than a ceiling, and for twice the file not much more than twice the
/// bytes. Time is not measured: <see cref="GarbageTests"/> limit it.
/// </summary>
public sealed class MemoryTests(ITestOutputHelper output)
{
    // A file has at most a megabyte, so this allows 256 bytes per byte of the file: much, but not dangerous.
    private const long CeilingBytes = 256 * 1024 * 1024;

    // The factor for twice the file: 2, with a margin for buffers that grow by doubling.
    private const double GrowthMax = 2.5;

    // The fixed cost of a compilation. Growth is not checked below it.
    private const long BaseBytes = 512 * 1024;

    private static readonly Dictionary<string, (int Size, Func<int, string> Text)> _files = new(StringComparer.Ordinal)
    {
        ["a text of the greatest size"] = (1_000_000, size => TestContracts.Head + "description: " + new string('x', size) + Done),
        ["a million blank lines"] = (1_000_000, size => new string('\n', size) + TestContracts.Head + Done),
        ["half a million comments"] = (500_000, size => Repeat("#\n", size) + TestContracts.Head + Done),
        ["a list"] = (60_000, size => "a: [" + Repeat("a,", size) + "]"),
        ["a list of lines"] = (100_000, size => "a:\n" + Repeat("- a\n", size)),
        ["many keys"] = (50_000, size => Series(size, number => $"key{number}: 1\n")),
        ["duplicate keys"] = (60_000, size => TestContracts.Head + Repeat("description: a\n", size)),
        ["long keys"] = (10, size => Series(size, number => $"? '{number}{new string('k', 50_000)}'\n: a\n")),
        ["thousands of errors"] = (
            20_000,
            size => TestContracts.Head + "initial: a\nstates:\n  a:\n    choose:\n" + Repeat(
                "      - { when: data.x, next: b, what: 1 }\n", size)),
        ["open brackets"] = (500_000, size => new string('[', size)),
        ["dashes"] = (400_000, size => Repeat("- ", size)),
        ["aliases"] = (100_000, size => "a: &a x\nb: [" + Repeat("*a,", size) + "]"),
        ["aliases of aliases"] = (
            8_000, size => "a0: &a0 x\n" + Series(size, number => $"a{number + 1}: &a{number + 1} [*a{number}, *a{number}, *a{number}]\n")),
        ["tags"] = (100_000, size => "a: [" + Repeat("!t x,", size) + "]"),
        ["states that choose"] = (500, size => TestContracts.Head + "initial: s0\nstates:\n" + Series(size - 1, number =>
            $"  s{number}:\n    choose: [{{ when: input.a == {number}, next: s{(number * 7) % size} }}, {{ next: s{number + 1} "
                + $"}}]\n") + $"  s{size - 1}: {{ end: completed }}\n"),
        ["too many states"] = (
            15_000,
            size => TestContracts.Head + "initial: s0\nstates:\n" + Series(
                size, number => $"  s{number}: {{ choose: [{{ next: s{number + 1} }}] }}\n")),
        ["expressions in one text"] = (
            20_000,
            size => TestContracts.Head + "initial: d\nstates:\n  d: { end: completed, output: '" + Repeat("${input.a}", size) + "' }\n"),
        ["open expressions in one text"] = (
            200_000, size => TestContracts.Head + "initial: d\nstates:\n  d: { end: completed, output: '" + Repeat("${", size) + "' }\n"),
        ["a pattern with exponential backtracking"] = (400, size => Guard($"input.a.matches('{Repeat("(a|b)*", size)}x{{900}}')")),
        ["a pattern in a schema with exponential backtracking"] = (
            5_000,
            size => $"contract: small\nversion: 1.0.0\ninput: {{ type: string, pattern: '{Repeat("(a|b)*", size)}x{{900}}' }}" + Done),
        ["a long sum"] = (2_000, size => Guard("input.a" + Repeat(" + input.a", size) + " > 0")),
        ["too many examples"] = (
            10_000,
            size => TestContracts.Head + "examples:\n" + Series(
                size, number => $"  - {{ name: e{number}, expect: {{ end: completed }} }}\n") + Done),
        ["an example with a large input"] = (
            50_000,
            size => TestContracts.Head + "examples:\n  - { name: a, input: { a: [" + Repeat("1,", size)
                + "] }, expect: { end: completed } }" + Done),
        ["a chain of references"] = (
            10_000,
            size => "contract: small\nversion: 1.0.0\ninput:\n  $ref: '#/$defs/d0'\n  $defs:\n" + Series(
                    size, number => $"    d{number}: {{ $ref: '#/$defs/d{number + 1}' }}\n") + $"    d{size}: {{ }}" + Done),
        ["many references to one schema"] = (
            20_000,
            size => "contract: small\nversion: 1.0.0\ninput:\n  allOf: [" + Repeat(
                "{ $ref: '#/$defs/d' },", size) + "]\n  $defs: { d: { type: object } }" + Done),
        ["a schema that is all of itself"] = (
            5_000, size => "contract: small\nversion: 1.0.0\ninput:\n  allOf: [" + Repeat("{ $ref: '#' },", size) + "]" + Done),
        ["huge numbers"] = (
            50_000,
            size => TestContracts.Head + "description: a\ndata: { a: { type: int, initial: " + new string('9', size) + " } }" + Done),
        ["a schedule of every second"] = (1, _ => TestContracts.Head + "schedule: { cron: '* * * * * *', time_zone: UTC }" + Done),
        ["a schedule without any time"] = (1, _ => TestContracts.Head + "schedule: { cron: '0 0 30 2 *', time_zone: UTC }" + Done),
        ["a schedule with a long list"] = (
            50_000, size => TestContracts.Head + "schedule: { cron: '" + Repeat("1,", size) + "1 * * * *', time_zone: UTC }" + Done),
    };

    private const string Done = "\ninitial: done\nstates:\n  done: { end: completed }\n";

    public static TheoryData<string> Files => [.. _files.Keys];

    [Theory]
    [MemberData(nameof(Files))]
    public void Memory_for_a_hostile_file_is_proportional_to_its_size(string what)
    {
        var (size, text) = _files[what];
        var (half, full) = (text(Math.Max(1, size / 2)), text(size));
        Assert.InRange(full.Length, 1, 1024 * 1024);

        AssertProportional(AllocatedBytes(() => Compile(half)), AllocatedBytes(() => Compile(full)));
    }

    [Theory]
    [InlineData("a list", 200_000, "[", "1,", "1]")]
    [InlineData("an object", 50_000, "{", "\"a\":1,", "\"b\":1}")]
    [InlineData("a long text", 500_000, "\"", "x", "\"")]
    [InlineData("a huge number", 500_000, "", "9", "")]
    [InlineData("open brackets", 500_000, "", "[", "")]
    public void Memory_for_reading_and_validating_JSON_is_proportional_to_its_size(
        string what, int size, string open, string piece, string close)
    {
        output.WriteLine(what);
        var schema = TestContracts.Compile("initial: done\nstates:\n  done: { end: completed }\n").Input;

        void Check(int count)
        {
            var file = new SourceFile("a.json", open + Repeat(piece, count) + close);
            if (JsonReader.Read(file, depthMax: 64) is { } root)
            {
                schema.Validate(root.ToValue(), out _);
            }
        }

        AssertProportional(AllocatedBytes(() => Check(size / 2)), AllocatedBytes(() => Check(size)));
    }

    private void AssertProportional(long half, long all)
    {
        output.WriteLine($"{half:N0} bytes, twice as much: {all:N0}");
        Assert.InRange(all, 0, CeilingBytes);
        Assert.InRange(all, 0, (long)(GrowthMax * Math.Max(half, BaseBytes)));
    }

    // Measures the second run, because the first one includes what is created once.
    private static long AllocatedBytes(Action work)
    {
        work();
        var before = GC.GetAllocatedBytesForCurrentThread();
        work();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void Compile(string text) => Assert.InRange(TestContracts.Check(text).Diagnostics.Count, 0, 100);

    private static string Guard(string expression) =>
        TestContracts.Head
            + $"initial: a\nstates:\n  a: {{ choose: [{{ when: \"{expression}\", next: done }}, {{ next: done }}] }}\n"
            + "  done: { end: completed }\n";

    private static string Repeat(string piece, int count) => string.Concat(Enumerable.Repeat(piece, count));

    private static string Series(int count, Func<int, string> piece) => string.Concat(Enumerable.Range(0, count).Select(piece));
}
