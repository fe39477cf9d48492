using Onex.Workers.Code;
using Onex.Workers.Operations;

namespace Onex.Tests.Unit.Workers.Sandbox;

/// <summary>Scripts in real processes: each failure has its code and its numbers, and the next script runs.</summary>
public sealed class ScriptRunTests(TestSandboxes sandboxes) : IClassFixture<TestSandboxes>
{
    [Theory]
    [InlineData("return input.a + 1;", """{"a":2}""", "3")]
    [InlineData(
        "return input;", """{"t":"ä\u0001\"","l":[1,2.5,-0.0,true,null,{}],"e":1e300}""",
        """{"t":"ä\u0001\"","l":[1,2.5,0,true,null,{}],"e":1E+300}""")]
    [InlineData("const x = input.map(i => i.n); return { sum: x.reduce((s, n) => s + n, 0) };", """[{"n":1},{"n":2}]""", """{"sum":3}""")]
    [InlineData("return { a: undefined, b: 1 };", "null", """{"b":1}""")]
    [InlineData("if (input) return 1;", "false", "null")]
    [InlineData("return 9007199254740991;", "null", "9007199254740991")]
    [InlineData("return new Date(Date.UTC(2026, 0, 31)).toISOString() + new Date('2026-01-31T00:00').getTimezoneOffset();", "null",
        "\"2026-01-31T00:00:00.000Z0\"")]
    [InlineData("return [typeof require, typeof System, typeof process, typeof setTimeout, typeof Intl, typeof WeakRef].join();", "null",
        "\"undefined,undefined,undefined,undefined,undefined,undefined\"")]
    public async Task A_script_returns_a_value(string script, string input, string expected) =>
        await sandboxes.CompletesAsync("script.run", Arguments(script, input), expected);

    [Theory]
    [InlineData("let x = ;", "script_invalid", "script:1:9")]
    [InlineData("throw new Error('no stock')", "script_failed", "no stock (line 1, column 7)")]
    [InlineData("return input.a.b", "script_failed", "line 1")]
    [InlineData("return eval('1')", "script_failed", "String compilation")]
    [InlineData("return import('fs')", "script_failed", "Module loading")]
    [InlineData("return Math.random()", "script_failed", "the same input must give the same result")]
    [InlineData("return Date.now()", "script_failed", "the same input must give the same result")]
    [InlineData("try { return new Date() } catch { return 1 }", "script_failed", "the same input must give the same result")]
    [InlineData("return { a: [1, NaN] }", "result_not_json", "result.a[1] is NaN")]
    [InlineData("return { f() {} }", "result_not_json", "result.f is a function")]
    [InlineData("return [1, , 3]", "result_not_json", "result[1] is undefined")]
    [InlineData("return 1n", "result_not_json", "BigInt")]
    [InlineData("return new Date(0)", "result_not_json", "toISOString()")]
    [InlineData("const o = {}; o.o = o; return o", "result_not_json", "63 deep")]
    [InlineData("return '\\ud800'", "result_not_json", "surrogate")]
    [InlineData("while (true);", "statements_exceeded", "more than 1,000,000 statements")]
    [InlineData("for (;;) try { while (true); } catch {}", "statements_exceeded", "more than 1,000,000 statements")]
    [InlineData("function f() { return 1 + f() } return f()", "recursion_exceeded", "more than 500 deep")]
    [InlineData("const o = { [Symbol.toPrimitive]() { return o + 1 } }; return o + 1", "recursion_exceeded", "stack than its 16 MiB")]
    [InlineData("const p = new Proxy({}, { get(t, k, r) { return r[k] } }); return p.x", "recursion_exceeded", "stack than its 16 MiB")]
    [InlineData(
        "let a = []; for (let i = 0; i < 50000; i++) a = [a]; return a.flat(Infinity)", "recursion_exceeded", "stack than its 16 MiB")]
    [InlineData("const a = []; for (;;) a.push({})", "memory_exceeded", "more than its 32 MiB")]
    [InlineData("let s = 'a'; for (;;) s += s", "memory_exceeded", "32 MiB")]
    [InlineData("return new Array(1e9).fill(0)", "memory_exceeded", "32 MiB")]
    public async Task A_script_that_cannot_complete_is_rejected_and_the_next_one_runs(string script, string code, string messagePart)
    {
        await sandboxes.EndsAsync("script.run", Arguments(script, """{"a":null}"""), StepOutcomes.Rejected, code, messagePart);

        await sandboxes.CompletesAsync("script.run", Arguments("return 1"), "1");
    }

    [Theory]
    [InlineData("while (true);")]
    [InlineData("return [3, 1, 2].sort(() => { while (true); })")]
    [InlineData("return /(a+)+$/.test('a'.repeat(40) + 'b')")]
    public async Task A_script_that_takes_too_long_fails_its_attempt_and_the_next_one_runs(string script)
    {
        using var unlimited = TestSandboxes.WithStatements(int.MaxValue);
        var arguments = $$"""{"script":{{JsonSerializer.Serialize(script)}},"timeout_ms":300}""";

        await unlimited.EndsAsync("script.run", arguments, StepOutcomes.Failed, "time_exceeded", "300 ms");

        await unlimited.CompletesAsync("script.run", Arguments("return 1"), "1");
    }

    [Fact]
    public async Task A_script_that_overflows_the_stack_of_its_process_is_rejected_and_the_next_one_runs()
    {
        // The engine does not guard this recursion, so the process ends.
        const string Script =
            "let i = [1].values(); for (let n = 0; n < 50000; n++) i = Iterator.from(i).map(x => x); return i.next().value";

        await sandboxes.EndsAsync("script.run", Arguments(Script), StepOutcomes.Rejected, "recursion_exceeded", "stack than its 16 MiB");

        await sandboxes.CompletesAsync("script.run", Arguments("return 1"), "1");
    }

    [Fact]
    public async Task A_step_may_lower_a_limit_and_not_raise_it()
    {
        await sandboxes.EndsAsync(
            "script.run", """{"script":"let i = 0; while (i < 100) i++; return i","statements":50}""", StepOutcomes.Rejected,
            "statements_exceeded", "more than 50 statements");
        await sandboxes.EndsAsync(
            "script.run", """{"script":"return 1","statements":1000001}""", StepOutcomes.Rejected, "arguments_invalid",
            "'statements' is 1000001, above 1000000, which the setting sandbox.statements allows");
        await sandboxes.EndsAsync(
            "script.run", """{"script":"return 1","memory_mb":0}""", StepOutcomes.Rejected, "arguments_invalid", "must be 1 or more");
    }

    [Fact]
    public void A_result_that_is_too_large_is_rejected()
    {
        var rejected = Assert.Throws<ComputeRejectedException>(() => SandboxResult.Parse(new byte[(50 * 1024 * 1024) + 1]));

        Assert.Equal(("result_too_large", "the result is larger than 50 MiB"), (rejected.Code, rejected.Message));
    }

    [Theory]
    [InlineData("9007199254740992")]
    [InlineData("-9007199254740992")]
    [InlineData("123456789012345678901234567890")]
    public async Task A_number_that_JavaScript_might_change_is_rejected(string number) =>
        await sandboxes.EndsAsync(
            "script.run", Arguments("return input", $"[{number}]"), StepOutcomes.Rejected, "arguments_invalid", number);

    [Fact]
    public async Task A_script_that_is_too_long_is_rejected() =>
        await sandboxes.EndsAsync(
            "script.run", Arguments(new string(' ', 262_145)), StepOutcomes.Rejected, "arguments_invalid", "262,145 characters");

    [Fact]
    public async Task The_same_input_gives_the_same_result()
    {
        const string Script = "const m = new Map([['b', 1], ['a', 2]]); return [...m.keys(), Object.keys({ b: 1, a: 2, 1: 3 }), 0.1 + 0.2]";
        for (var i = 0; i < 3; i++)
        {
            await sandboxes.CompletesAsync("script.run", Arguments(Script), """["b","a",["1","b","a"],0.30000000000000004]""");
        }
    }

    [Fact]
    public async Task A_run_sees_nothing_of_the_run_before()
    {
        await sandboxes.EndsAsync(
            "script.run", Arguments("Object.prototype.leak = 1; globalThis.leak = 2; Array.prototype.map = null; throw 1"),
            StepOutcomes.Rejected, "script_failed", "1");

        await sandboxes.CompletesAsync(
            "script.run", Arguments("return [typeof {}.leak, typeof leak, [1].map(x => x)]"), """["undefined","undefined",[1]]""");
    }

    private static string Arguments(string script, string input = "null") =>
        $$"""{"script":{{JsonSerializer.Serialize(script)}},"input":{{input}}}""";
}
