using System.Diagnostics;

namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>
/// The compiler handles every file without an exception or a hang; each diagnostic has a position, and a file has at most 100 of them.
/// </summary>
public sealed class GarbageTests(ITestOutputHelper output)
{
    private const int Rounds = 800;

    private static readonly string[] _contracts =
    [
        File.ReadAllText(Repository.At("tests", "contracts", "valid", "order-fulfilment", "order-fulfilment.yaml")),
        File.ReadAllText(Repository.At("tests", "contracts", "valid", "order-fulfilment-full", "order-fulfilment.yaml")),
        File.ReadAllText(Repository.At("tests", "contracts", "valid", "onboarding", "onboarding.yaml")),
        .. Directory.EnumerateFiles(Repository.At("contracts"), "*.yaml").Order().Select(File.ReadAllText),
        .. Directory.EnumerateFiles(Repository.At("tests", "contracts", "invalid"), "*.yaml")
            .Order()
            .Select(File.ReadAllText)
            .Where(text => text.Length < 5000),
    ];

    private static readonly string[] _fragments =
    [
        "{", "}", "[", "]", ":", ": ", "- ", "\n", "\n  ", "\t", "'", "\"", "#", " #", "&a ", "*a", "<<: ", "!t ", "|", ">", "? ", "%", "@",
        "`", "\0", "\uFEFF", "\u2028", "\uD800", "${", "$${", "${input.", "}}", "---\n", "...\n", "null", "~", "-1", "1e999", "0x",
        "999999999999999999999", "next: ", "when: ", "event: ", "stay: true", "timeout: ", "wait: ", "$ref: ", "$ref: \"#\"", "type: ",
        "initial: ", "steps: ", "end: ", "with: ", "compensate: ", "r'", "'''", "\\", "\"\\u", "list(", "?", ",", "in",
    ];

    [Fact]
    public void Mutated_contracts_get_a_result_or_diagnostics()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("ONEX_SEED"), out var fixedSeed) ? fixedSeed : Environment.TickCount;
        output.WriteLine($"ONEX_SEED={seed}");
        var random = new Random(seed);
        for (var round = 0; round < Rounds; round++)
        {
            // Changed characters mostly break the YAML. Changed lines mostly keep it valid, so that the later checks run too.
            var contract = _contracts[random.Next(_contracts.Length)];
            var text = round % 2 == 0 ? Mutate(contract, random) : MutateLines(contract, random);
            try
            {
                CheckCompilation(text);
            }
            catch (Exception exception)
            {
                Assert.Fail($"ONEX_SEED={seed}, round {round}: {exception}\n{text}");
            }
        }
    }

    [Fact]
    public void Random_bytes_get_diagnostics()
    {
        var random = new Random(7);
        var directory = Directory.CreateTempSubdirectory("onex-");
        try
        {
            for (var file = 0; file < 100; file++)
            {
                var bytes = new byte[random.Next(400)];
                random.NextBytes(bytes);
                File.WriteAllBytes(Path.Combine(directory.FullName, $"{file}.yaml"), bytes);
            }

            var compilation = ContractCompiler.CompileDirectory(directory.FullName, TestCatalogue.Context);

            Assert.Equal(100, compilation.Diagnostics.Select(diagnostic => diagnostic.Path).Distinct().Count());
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    public static TheoryData<string, string> Large => new()
    {
        { "open brackets", new string('[', 1_000_000) },
        { "open braces", string.Concat(Enumerable.Repeat("{a: ", 250_000)) },
        { "dashes", string.Concat(Enumerable.Repeat("- ", 500_000)) },
        { "a long list", "[" + string.Concat(Enumerable.Repeat("a,", 60_000)) + "]" },
        { "many keys", string.Concat(Enumerable.Range(0, 30_000).Select(number => $"key{number}: 1\n")) },
        {
            "many states",
            TestContracts.Head
                + "initial: s0\nstates:\n"
                + string.Concat(Enumerable.Range(0, 15_000).Select(number => $"  s{number}: {{ next: s{number + 1} }}\n"))
        },
        { "one long line", TestContracts.Head + "description: " + new string('x', 1_000_000) },
        { "quotes", new string('"', 1_000_001) },
        {
            "open templates",
            TestContracts.Head
                + "initial: d\nstates:\n  d: { end: completed, output: '"
                + string.Concat(Enumerable.Repeat("${", 300_000))
                + "' }\n"
        },
        {
            "templates",
            TestContracts.Head
                + "initial: d\nstates:\n  d: { end: completed, output: '"
                + string.Concat(Enumerable.Repeat("${input.a}", 10_000))
                + "' }\n"
        },
        {
            "a long expression",
            TestContracts.Head
                + "initial: d\nkey: input.a"
                + string.Concat(Enumerable.Repeat(" + input.a", 90_000))
                + "\nstates:\n  d: { end: completed }\n"
        },
        { "aliases", "a: &a x\nb: [" + string.Concat(Enumerable.Repeat("*a,", 100_000)) + "]" },
        { "chained references", Chain(20_000) },
        { "a schema of itself", Schema($"anyOf: [{string.Concat(Enumerable.Repeat("{ $ref: '#' }, ", 2_000))}]", "${input.a.b}") },
        {
            "a schema of schemas of itself",
            Schema(
                "anyOf: ["
                    + string.Concat(
                        Enumerable.Range(0, 16).Select(form => $"{{ anyOf: [{string.Concat(Enumerable.Repeat("{ $ref: '#' }, ", 16))}] "
                            + $"}}, "))
                    + "]",
                "${input.a.b}")
        },
        {
            "a schema with many fields of its own type",
            Schema(
                "type: object, properties: { "
                    + string.Concat(Enumerable.Range(0, 500).Select(each => $"f{each}: {{ $ref: '#' }}, "))
                    + "}",
                "${input}")
        },
        {
            "many required fields",
            Schema(
                $"type: object, additionalProperties: false, required: "
                    + $"[{string.Join(", ", Enumerable.Range(0, 30_000).Select(each => $"f{each}"))}], properties: {{ "
                    + $"{string.Concat(Enumerable.Range(0, 20_000).Select(each => $"f{each}: {{}}, "))} }}",
                "${input.a}")
        },
        {
            "many unknown fields",
            Schema(
                "type: object, additionalProperties: false, properties: { "
                    + string.Concat(Enumerable.Range(0, 20_000).Select(each => $"field{each}: {{}}, "))
                    + "}",
                "${" + string.Join(" || ", Enumerable.Range(0, 4_000).Select(each => $"input.feld{each}")) + "}")
        },
        { "colons", string.Concat(Enumerable.Repeat(": ", 400_000)) },
        { "questions", string.Concat(Enumerable.Repeat("? ", 400_000)) },
        { "a comment", "#" + new string(' ', 1_000_000) },
        { "blank lines", new string('\n', 1_000_000) + "a" },
        {
            "many examples",
            Looping + string.Concat(Enumerable.Range(0, 200).Select(number => $"  - {{ name: e{number}, expect: {{ end: completed }} }}\n"))
        },
        {
            "too many examples",
            Looping
                + string.Concat(Enumerable.Range(0, 20_000).Select(number => $"  - {{ name: e{number}, expect: {{ end: completed }} }}\n"))
        },
        {
            "a long script",
            Looping
                + "  - { name: a, steps: { call: ["
                + string.Concat(Enumerable.Repeat("{ failed: a },", 60_000))
                + "] }, expect: { end: failed } }\n"
        },
        {
            "many events",
            Looping
                + "  - { name: a, events: ["
                + string.Concat(Enumerable.Repeat("{ at: a, event: e },", 40_000))
                + "], expect: { end: failed } }\n"
        },
        {
            "thousands of errors",
            TestContracts.Head
                + "initial: a\nstates:\n  a:\n    choose:\n"
                + string.Concat(Enumerable.Repeat("      - { when: data.x, next: b, what: 1 }\n", 20_000))
        },
        { "duplicate keys", TestContracts.Head + string.Concat(Enumerable.Repeat("description: a\n", 60_000)) },
        { "tags", "a: [" + string.Concat(Enumerable.Repeat("!t x,", 100_000)) + "]" },
        { "a folded text", "a: >\n" + string.Concat(Enumerable.Repeat("  x\n\n", 200_000)) },
    };

    [Theory]
    [MemberData(nameof(Large))]
    public void Large_files_are_compiled_quickly(string what, string text)
    {
        var watch = Stopwatch.StartNew();
        CheckCompilation(text);

        // They take about a second; an algorithm that is quadratic in the size takes minutes.
        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(2), $"{what}: {watch.Elapsed}");
    }

    private static void CheckCompilation(string text)
    {
        var compilation = TestContracts.Check(text);
        Assert.True(compilation.Diagnostics.Count <= 100);
        Assert.Equal(compilation.HasErrors, compilation.Plans.Count == 0);
        foreach (var diagnostic in compilation.Diagnostics)
        {
            Assert.True(diagnostic is { Line: >= 1, Column: >= 1, Length: >= 1 });
            Assert.NotEmpty(diagnostic.Render());
            Assert.DoesNotContain(diagnostic.Render(), character => char.IsControl(character) && character is not ('\n' or '\t'));
        }
    }

    private static string Mutate(string text, Random random)
    {
        var mutated = new StringBuilder(text);
        for (var count = random.Next(1, 6); count > 0; count--)
        {
            var at = random.Next(mutated.Length);
            var length = Math.Min(random.Next(1, 12), mutated.Length - at);
            switch (random.Next(4))
            {
                case 0:
                    mutated.Insert(at, _fragments[random.Next(_fragments.Length)]);
                    break;
                case 1:
                    mutated.Remove(at, length);
                    break;
                case 2:
                    mutated.Insert(random.Next(mutated.Length), mutated.ToString(at, length));
                    break;
                default:
                    mutated[at] = (char)random.Next(1, 0x250);
                    break;
            }

            if (mutated.Length == 0)
            {
                return "";
            }
        }

        return mutated.ToString();
    }

    private static string MutateLines(string text, Random random)
    {
        var lines = text.Split('\n').ToList();
        for (var count = random.Next(1, 4); count > 0; count--)
        {
            var (at, other) = (random.Next(lines.Count), random.Next(lines.Count));
            switch (random.Next(6))
            {
                case 0 when lines.Count > 1:
                    lines.RemoveAt(at);
                    break;
                case 1:
                    lines.Insert(at, lines[other]);
                    break;
                case 2:
                    (lines[at], lines[other]) = (lines[other], lines[at]);
                    break;
                case 3:
                    lines[at] = "  " + lines[at];
                    break;
                case 4 when lines[at].StartsWith("  ", StringComparison.Ordinal):
                    lines[at] = lines[at][2..];
                    break;
                default:
                    // Gives a key the value of another key.
                    var (key, value) = (
                        lines[at].IndexOf(": ", StringComparison.Ordinal), lines[other].IndexOf(": ", StringComparison.Ordinal));
                    if (key > 0 && value > 0)
                    {
                        lines[at] = lines[at][..key] + lines[other][value..];
                    }

                    break;
            }
        }

        return string.Join('\n', lines);
    }

    // A contract with a cycle, an event that only one state accepts, and the start of a list of examples.
    private const string Looping = TestContracts.Head + """
        events: { e: {} }
        initial: a
        states:
          a:
            steps:
              - { id: call, compute: hash.sha256, with: { text: a } }
              - wait: 1s
            on_event: [{ event: e, stay: true }]
            choose: [{ when: input.x == 1, next: done }, { next: a }]
          done: { end: completed }
        examples:

        """;

    // The schema is written twice, for the input and the output, so that the compiler compares two equal types.
    private static string Schema(string schema, string output) =>
        $"contract: small\nversion: 1.0.0\ninput: {{ {schema} }}\noutput: {{ {schema} }}\ninitial: done\nstates:\n  done: {{ end: "
            + $"completed, output: {{ a: '{output}', b: '${{input}}' }} }}\n  again: {{ end: completed, output: '${{input}}' }}\n";

    private static string Chain(int length)
    {
        var text = new StringBuilder("contract: small\nversion: 1.0.0\ninput:\n  $ref: '#/$defs/d0'\n  $defs:\n");
        for (var number = 0; number < length; number++)
        {
            text.Append($"    d{number}: {{ $ref: '#/$defs/d{number + 1}' }}\n");
        }

        return text.Append($"    d{length}: {{ }}\ninitial: done\nstates:\n  done: {{ end: completed }}\n").ToString();
    }
}
