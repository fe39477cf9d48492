using System.Text.RegularExpressions;
using Onex.Contracts.Diagnostics;

namespace Onex.Tests.Unit.Contracts.Compiling;

/// <summary>Valid contracts that probably do not do what the author meant: they compile, with a warning that names the remedy.</summary>
public sealed partial class SilentMistakesTests
{
    private const string Reject = "reject: [{ when: result.status_code == 402, code: declined }]";

    [Theory]
    [InlineData("declined", null)]
    [InlineData("http_404", null)]
    [InlineData("step_failed", null)]
    [InlineData("step_timed_out", null)]
    [InlineData("result_invalid", null)]
    [InlineData("expression_failed", null)]
    [InlineData("undeliverable", null)]
    [InlineData("address_refused", null)]
    [InlineData("decliend", "Did you mean 'declined'?")]
    [InlineData("http_503", "finally fails with 'step_failed'")]
    [InlineData("connection_failed", "finally fails with 'step_failed'")]
    [InlineData("timeout", "finally fails with 'step_failed'")]
    [InlineData("http_200", "Codes here: declined, step_failed")]
    [InlineData("unique_violation", "Codes here: declined, step_failed")]
    [InlineData("join_failed", "Codes here: declined, step_failed")]
    [InlineData("too_many_items", "Codes here: declined, step_failed")]
    [InlineData("deadline_exceeded", "'next' of its own")]
    [InlineData("cancelled", "no 'catch' applies")]
    public void Catching_a_code_that_nothing_raises_is_a_warning(string code, string? remedy)
    {
        string[] contracts =
        [
            Work($"{Call}, catch: [{{ error: {code}, next: late }}] }}"),
            Work($"{Call} }}", $"catch: [{{ error: {code}, next: late }}]"),
        ];
        foreach (var work in contracts)
        {
            if (remedy is null)
            {
                Assert.Equal("", Render(work));
                continue;
            }

            var found = Assert.Single(TestContracts.Check(TestContracts.Head + work).Diagnostics);
            Assert.Equal(("ONEX1183", Severity.Warning, code.Length), (found.Code, found.Severity, found.Length));
            Assert.Contains(remedy, found.Remedy, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(
        "{ id: a, effect: db.query, connection: ledger, with: { sql: SELECT 1 }, catch: [{ error: [unique_violation, sqlstate_0a000, "
            + "read_only], next: late }] }",
        null)]
    [InlineData(
        "{ id: a, effect: db.query, connection: ledger, with: { sql: SELECT 1 }, catch: [{ error: http_404, next: late }] }", "ONEX1183")]
    [InlineData(
        "{ id: a, effect: db.query, connection: ledger, with: { sql: SELECT 1 }, catch: [{ error: deadlock, next: late }] }", "ONEX1183")]
    [InlineData("{ id: a, compute: hash.sha256, with: { text: a }, catch: [{ error: arguments_invalid, next: late }] }", null)]
    [InlineData("{ id: a, compute: hash.sha256, with: { text: a }, catch: [{ error: http_404, next: late }] }", "ONEX1183")]
    [InlineData("{ id: a, compute: hash.sha256, with: { text: a }, catch: [{ error: [], next: late }] }", "ONEX1012")]
    [InlineData("{ emit: a.b, with: { value: 1 }, catch: [{ error: expression_failed, next: late }] }", null)]
    [InlineData("{ emit: a.b, with: { value: 1 }, catch: [{ error: undeliverable, next: late }] }", "ONEX1183")]
    [InlineData("{ saga: other, detached: true, catch: [{ error: step_failed, next: late }] }", "ONEX1183")]
    [InlineData("{ parallel: { join: any, branches: [CALL, { wait: 1m }] }, catch: [{ error: join_failed, next: late }] }", null)]
    [InlineData(
        "{ parallel: { branches: [CALL, { wait: 1m }] }, catch: [{ error: [http_404, step_failed, declined], next: late }] }", null)]
    [InlineData("{ parallel: { branches: [CALL, { wait: 1m }] }, catch: [{ error: join_failed, next: late }] }", "ONEX1183")]
    [InlineData("{ parallel: { join: any, branches: [CALL, { wait: 1m }] }, catch: [{ error: step_failed, next: late }] }", "ONEX1183")]
    [InlineData(
        "{ id: a, each: { item: '[1]', at_most: 3 }, effect: http.get, connection: stock, with: { path: /a }, "
            + "catch: [{ error: [too_many_items, http_404], next: late }] }",
        null)]
    [InlineData(
        "{ id: a, each: { item: '[1]', at_most: 3, on_item_failure: continue }, effect: http.get, connection: stock, with: { path: /a }, "
            + "catch: [{ error: http_404, next: late }] }",
        "ONEX1183")]
    [InlineData(
        "{ id: a, effect: vault.read_secret, connection: safe, with: { path: a }, catch: [{ error: secret_not_found, next: late }] }",
        null)]
    [InlineData(
        "{ id: a, effect: vault.read_secret, connection: safe, with: { path: a }, catch: [{ error: sealed, next: late }] }", "ONEX1183")]
    [InlineData("{ id: a, saga: other, compensate: { none: a test }, catch: [{ error: whatever, next: late }] }", null)]
    public void A_step_can_fail_only_with_the_codes_of_its_kind_and_operation(string step, string? code)
    {
        var context = TestCatalogue.OrderFulfilmentContext with
        {
            Connections = new Dictionary<string, ConnectionDescriptor>(TestCatalogue.Connections)
            {
                ["safe"] = new("safe", "vault", null, null),
            },
        };
        var text = TestContracts.Head + Work(step.Replace("CALL", $"{Call} }}", StringComparison.Ordinal));
        var found = ContractCompiler.Compile(
            new("small.yaml", text, ImmutableSortedDictionary<string, string>.Empty), context).Diagnostics;

        Assert.Equal(code is null ? [] : [code], found.Select(diagnostic => diagnostic.Code));
    }

    [Theory]
    [InlineData($"{Call}, catch: [{{ error: declined, next: done }}] }}", "declined", "ONEX1183")]
    [InlineData($"{Call}, catch: [{{ next: done }}] }}", "declined", "ONEX1183")]
    [InlineData($"{Call}, catch: [{{ error: http_404, next: done }}] }}", "declined", null)]
    [InlineData(
        $"{{ parallel: {{ branches: [{Call} }}, {{ wait: 1m }}] }}, catch: [{{ error: declined, next: done }}] }}", "declined", "ONEX1183")]
    [InlineData("{ fail: { code: gone, message: no } }", "gone", null)]
    [InlineData("{ fail: { code: gone, message: no }, catch: [{ error: gone, next: done }] }", "gone", "ONEX1183")]
    public void A_code_caught_by_a_step_does_not_reach_its_state(string step, string caught, string? code) =>
        Assert.Equal(code is null ? [] : [code], TestContracts.Codes(Work(step, $"catch: [{{ error: {caught}, next: late }}]")));

    [Theory]
    [InlineData("out_of_stock", null)]
    [InlineData("weather", null)]
    [InlineData("recall", null)]
    [InlineData("http_404", null)]
    [InlineData("deepest", null)]
    [InlineData("state_timed_out", null)]
    [InlineData("cancelled", null)]
    [InlineData("ONEX3005", null)]
    [InlineData("out_of_stok", "ONEX1183")]
    [InlineData("http_503", "ONEX1183")]
    public void A_called_contract_may_fail_with_the_codes_of_its_steps_and_events(string caught, string? code)
    {
        const string Child = """
            contract: child
            version: 1.0.0
            input: {}
            events: { recall: {} }
            any_state: [{ event: recall, next: gone }]
            initial: work
            states:
              work:
                steps:
                  - { id: look, effect: http.get, connection: stock, with: { path: /a } }
                  - { id: deep, saga: deep, compensate: { none: a test } }
                choose:
                  - { when: steps.look.status_code == 204, next: gone, fault: weather }
                  - { when: steps.look.status_code == 200, next: giving_up }
                  - { next: done }
              giving_up: { steps: [{ fail: { code: out_of_stock, message: no } }] }
              gone: { end: failed }
              done: { end: completed }
            """;
        const string Step = "{ fail: { code: deepest, message: no }, catch: [{ error: expression_failed, next: done }] }";
        var deep = $"contract: deep\nversion: 1.0.0\ninput: {{}}\n{Work(Step)}"
            .Replace("    next: done\n", "", StringComparison.Ordinal);
        var parent = TestContracts.Head
            + Work($"{{ id: a, saga: child, compensate: {{ none: a test }}, catch: [{{ error: {caught}, next: late }}] }}");

        Assert.Equal(
            code is null ? [] : [code],
            Compile(("child.yaml", Child), ("deep.yaml", deep), ("small.yaml", parent)).Select(found => found.Code));
    }

    [Theory]
    [InlineData("[{ error: http_404, next: done }, { error: [http_410, http_404], next: late }]", 1)]
    [InlineData("[{ error: [http_404, http_404], next: done }]", 1)]
    [InlineData("[{ next: done }, { error: http_404, next: late }]", 1)]
    [InlineData("[{ next: done }, { next: late }, { error: http_404, next: late }]", 2)]
    [InlineData("[{ error: http_404, next: done }, { error: http_410, next: late }, { next: late }]", 0)]
    public void A_catch_entry_covered_by_an_earlier_one_is_a_warning(string rules, int found) =>
        Assert.Equal(Enumerable.Repeat("ONEX1184", found), TestContracts.Codes(Work($"{Call}, catch: {rules} }}")));

    [Theory]
    [InlineData("body: { order: input.order_id }", "input.order_id", "input.order_id")]
    [InlineData("body: { order: 'input.order_id' }", "input.order_id", "input.order_id")]
    [InlineData("body: { order: \"{{ input.order_id }}\" }", "input.order_id", "{{ input.order_id }}")]
    [InlineData("body: { order: \"{{ order_id }}\" }", "input.order_id", "{{ order_id }}")]
    [InlineData("body: { order: \"$order_id\" }", "input.order_id", "$order_id")]
    [InlineData("body: { order: $.order_id }", "input.order_id", "$.order_id")]
    [InlineData("body: { order: $note }", "data.note", "$note")]
    [InlineData("body: { order: \"$input.order_id\" }", "input.order_id", "$input.order_id")]
    [InlineData("body: { text: \"Order {{input.order_id}} is sent.\" }", "input.order_id", "{{input.order_id}}")]
    [InlineData("body: { text: \"Order {input.order_id} of ${input.total}\" }", "input.order_id", "{input.order_id}")]
    [InlineData("body: { text: \"Order $(input.order_id)\" }", "input.order_id", "$(input.order_id)")]
    [InlineData("body: { text: \"Order <%= input.order_id %>\" }", "input.order_id", "<%= input.order_id %>")]
    [InlineData("body: { total: input.total * 2.0 }", "input.total * 2.0", "input.total * 2.0")]
    [InlineData("body: { count: size(input.lines) }", "size(input.lines)", "size(input.lines)")]
    [InlineData("body: [[{ note: data.note }]]", "data.note", "data.note")]
    [InlineData("body: steps.look.body.id", "steps.look.body.id", "steps.look.body.id")]
    [InlineData("body: saga.id", "saga.id", "saga.id")]
    [InlineData("headers: { X-Order: input.order_id }", "input.order_id", "input.order_id")]
    [InlineData("query: { order: input.any.thing }", "input.any.thing", "input.any.thing")]
    [InlineData("path: \"/orders/{order_id}\"", "input.order_id", "{order_id}")]
    [InlineData("path: /orders/:order_id/lines", "input.order_id", ":order_id")]
    [InlineData("path: \"/orders/{input.order_id}\"", "input.order_id", "{input.order_id}")]
    public void Text_that_looks_like_an_expression_with_known_names_is_a_warning(string with, string expression, string marked)
    {
        var found = Assert.Single(DiagnosticsOf(with), diagnostic => diagnostic.Code.StartsWith("ONEX118", StringComparison.Ordinal));

        Assert.Equal(("ONEX1185", Severity.Warning), (found.Code, found.Severity));
        Assert.Contains($"Write ${{{expression}}} for the value.", found.Remedy, StringComparison.Ordinal);
        Assert.StartsWith(marked, found.SourceLine![(found.Column - 1)..].TrimStart('"', '\''), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("body: { text: \"Dear {{name}}, your {{ order }} is here\" }")]
    [InlineData("body: { text: \"Dear {{order_id}} and all\" }")]
    [InlineData("body: { price: $5 }")]
    [InlineData("body: { price: $5.50, home: $HOME, who: \"{{ who }}\" }")]
    [InlineData("body: { file: data.json, log: input.log, of: saga.log, steps: steps.txt }")]
    [InlineData("body: { topic: input.nothing, host: item.sku }")]
    [InlineData("body: { text: input, note: note, order: order_id }")]
    [InlineData("body: { text: The input.order_id of it }")]
    [InlineData("body: { order: \"${input.order_id}\", text: \"${'input.order_id'}\" }")]
    [InlineData("body: { text: \"${'{{ input.order_id }}'} and ${input.order_id}\" }")]
    [InlineData("body: { text: \"$${input.order_id}\" }")]
    [InlineData("body: { json: '{\"a\": 1}', code: 'if (x) { y }', css: 'a { b: c }' }")]
    [InlineData("path: \"/orders/${input.order_id}/{version}/:send\"")]
    [InlineData("url: \"http://a.example:8080/x\"")]
    public void Plain_text_is_accepted(string with) =>
        Assert.DoesNotContain(DiagnosticsOf(with), diagnostic => diagnostic.Code == "ONEX1185");

    [Theory]
    [InlineData("done: { end: completed, output: { order: input.order_id } }")]
    [InlineData("done: { end: completed, output: { \"${input.order_id}\": 1 } }")]
    [InlineData("done: { end: completed }\n  more: { steps: [{ respond: { order: input.order_id } }], next: done }")]
    [InlineData("done: { end: completed }\n  more: { steps: [{ emit: a.b, with: { value: { order: input.order_id } } }], next: done }")]
    [InlineData("done: { end: completed }\n  more: { steps: [{ emit: a.b, with: { key: input.order_id, value: 1 } }], next: done }")]
    [InlineData("done: { end: completed }\n  more: { steps: [{ fail: { code: no, message: input.order_id } }] }")]
    [InlineData("done: { end: completed }\n  more: { steps: [{ fail: { code: \"${input.order_id}\", message: no } }] }")]
    [InlineData("done: { end: completed }\n  more: { next: done, fault: \"${input.order_id}\" }")]
    [InlineData(
        "done: { end: completed }\n  more: { steps: [{ saga: other, detached: true, with: { order: input.order_id } }], next: done }")]
    [InlineData(
        "done: { end: completed }\n"
            + "  more: { steps: [{ id: x, compute: transform, with: { values: { a: 1 } }, compensate: { compute: transform, "
            + "with: { values: { a: input.order_id } } } }], next: done }")]
    [InlineData(
        "done: { end: completed }\n"
            + "  more: { steps: [{ id: x, compute: transform, with: { values: { a: 1 } }, each: { item: input.lines, at_most: 9 }, "
            + "save: { note: \"'a'\" } }, { id: y, compute: transform, each: { item: input.lines, at_most: 9 }, "
            + "with: { values: { a: item.sku } } }], next: done }")]
    public void Text_that_looks_like_an_expression_is_a_warning_in_every_position(string states)
    {
        var first = states.Contains("more:", StringComparison.Ordinal) ? "more" : "done";
        var found = TestContracts.Check($$"""
            contract: small
            version: 1.0.0
            {{Input}}
            data: { note: { type: string, initial: a } }
            initial: start
            states:
              start: { choose: [{ when: data.note == 'a', next: {{first}} }, { next: done }] }
              {{states}}
            """).Diagnostics;

        Assert.Equal(["ONEX1185"], found.Select(diagnostic => diagnostic.Code));
    }

    [Theory]
    [InlineData("{ type: string, initial: \"${input.order_id}\" }", "\"${input.order_id}\"")]
    [InlineData("{ type: string, initial: \"Order ${input.order_id}\" }", "\"Order ${input.order_id}\"")]
    [InlineData("{ type: list(string), initial: [a, \"${input.order_id}\"] }", "\"${input.order_id}\"")]
    [InlineData("{ type: any, initial: { a: [\"${now}\"] } }", "\"${now}\"")]
    [InlineData("{ type: string, initial: input.order_id }", "input.order_id")]
    [InlineData("{ type: string, initial: \"Order {{ input.order_id }}\" }", "\"Order {{")]
    [InlineData("{ type: list(string), initial: [input.order_id] }", "input.order_id")]
    public void An_initial_value_that_looks_like_an_expression_is_a_warning(string field, string marked)
    {
        var found = Assert.Single(TestContracts.Check($$"""
            contract: small
            version: 1.0.0
            {{Input}}
            data: { note: {{field}} }
            initial: done
            states:
              done: { end: completed, output: { note: "${data.note}" } }
            """).Diagnostics);

        Assert.Equal(("ONEX1185", Severity.Warning), (found.Code, found.Severity));
        Assert.Contains("set: { note: ... }", found.Remedy, StringComparison.Ordinal);
        Assert.StartsWith(marked, found.SourceLine![(found.Column - 1)..], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http.get", "body: { a: 1 }", true)]
    [InlineData("http.head", "body: a", true)]
    [InlineData("http.get", "query: { a: 1 }", false)]
    [InlineData("http.get", "body: null", false)]
    [InlineData("http.get", "headers: { Idempotency-Key: a }", true)]
    [InlineData("http.get", "headers: { traceparent: a }", true)]
    [InlineData("http.get", "headers: { host: a }", true)]
    [InlineData("http.get", "headers: { X-Mine: a }", false)]
    public void An_argument_without_effect_is_a_warning(string operation, string with, bool isReported)
    {
        var text = TestContracts.Head + Work($"{{ id: a, effect: {operation}, connection: stock, with: {{ path: /a, {with} }} }}");

        Assert.Equal(
            isReported ? ["ONEX1186"] : [],
            ContractCompiler.Compile(
                new("small.yaml", text, ImmutableSortedDictionary<string, string>.Empty),
                TestCatalogue.OrderFulfilmentContext)
                .Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    [Fact]
    public void A_whole_address_and_a_path_exclude_each_other() => Assert.Equal(
        ["ONEX1014"], TestContracts.Codes(Work("{ id: a, effect: http.get, with: { url: \"http://a.example/b\", path: /a } }")));

    [Fact]
    public void A_header_set_by_the_runtime_is_a_warning()
    {
        var text = TestContracts.Head
            + Work(
                "{ id: a, effect: kafka.produce, with: { topic: a.b, value: 1, headers: { message_id: a, mine: b } }, "
                    + "compensate: { none: a test } }");

        Assert.Equal(
            ["ONEX1186"],
            ContractCompiler.Compile(
                new("small.yaml", text, ImmutableSortedDictionary<string, string>.Empty),
                TestCatalogue.OrderFulfilmentContext)
                .Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    [Theory]
    [InlineData("data: { note: string? }", "{ wait: 1m }", "is never written or read")]
    [InlineData("data: { note: { type: string, initial: a } }", "{ wait: 1m }", "is never written or read")]
    [InlineData("data: { note: string? }", "{ respond: { a: \"${data.note}\" } }", "is read but never written")]
    [InlineData("data: { note: string }", "{ respond: { a: \"${data.?note.orValue('')}\" } }", "is read but never written")]
    [InlineData("data: { note: string? }", "{ set: { note: \"'a'\" } }", null)]
    [InlineData("data: { note: { type: string, initial: a } }", "{ respond: { a: \"${data.note}\" } }", null)]
    [InlineData("data: { note: { type: string, initial: a } }", "{ respond: { a: \"${data}\" } }", null)]
    [InlineData("data: { note: { type: string, initial: a } }", "{ respond: { a: \"${data[saga.id]}\" } }", null)]
    public void An_unused_field_of_data_is_a_warning(string data, string step, string? problem)
    {
        var found = TestContracts.Check(TestContracts.Head + data + "\n" + Work(step)).Diagnostics;

        Assert.Equal(problem is null ? [] : ["ONEX1187"], found.Select(diagnostic => diagnostic.Code));
        Assert.All(found, diagnostic => Assert.Contains(problem!, diagnostic.Problem, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{ wait: 1m }", true)]
    [InlineData("{ id: a, effect: http.get, connection: stock, with: { path: /a }, retry: calm }", false)]
    [InlineData(
        "{ id: a, effect: http.get, connection: stock, with: { path: /a }, compensate: { effect: http.get, connection: stock, "
            + "with: { path: /a }, retry: calm } }",
        false)]
    public void An_unused_retry_policy_is_a_warning(string step, bool isReported) =>
        Assert.Equal(isReported ? ["ONEX1188"] : [], TestContracts.Codes("retries: { calm: { attempts: 9 } }\n" + Work(step)));

    [Theory]
    [InlineData("{ id: a, effect: http.get, connection: stock, with: { path: /a } }", new[] { "payments" })]
    [InlineData("{ respond: { a: \"${connections.payments}\" } }", new[] { "stock" })]
    [InlineData("{ respond: { a: \"${connections}\" } }", new string[0])]
    [InlineData(
        "{ id: a, effect: http.get, connection: stock, with: { path: /a }, compensate: { effect: http.get, connection: payments, "
            + "with: { path: /a } } }",
        new string[0])]
    [InlineData("{ wait: 1m, and: more }", new string[0])]
    public void An_unused_connection_is_a_warning_at_its_declaration(string step, string[] unused)
    {
        var found = Compile(
            (
                "connections/outside.yaml",
                "connections:\n  stock: { type: http, url: 'http://a' }\n  payments: { type: http, url: 'http://b' }\n"),
            ("small.yaml", TestContracts.Head + Work(step))).Where(diagnostic => diagnostic.Code == "ONEX1189").ToList();

        Assert.Equal(unused, found.Select(diagnostic => diagnostic.SourceLine!.Split(':')[0].Trim()));
        Assert.All(
            found,
            diagnostic => Assert.Equal(
                (Severity.Warning, "outside.yaml", 3), (diagnostic.Severity, Path.GetFileName(diagnostic.Path), diagnostic.Column)));
    }

    [Theory]
    [InlineData("  work: { next: gone }\n", true)]
    [InlineData("  work: { steps: [{ fail: { code: no, message: no } }], next: done }\n  done: { end: completed }\n", true)]
    [InlineData("  work: { steps: [{ fail: { code: no, message: no }, catch: [{ next: done }] }] }\n  done: { end: completed }\n", false)]
    [InlineData("  work: { timeout: { after: 1h, next: done } }\n  done: { end: completed }\n", false)]
    [InlineData("  work: { on_event: [{ event: go, next: done }] }\n  done: { end: completed }\n", false)]
    public void A_contract_that_never_completes_is_a_warning(string states, bool isReported) =>
        Assert.Equal(
            isReported ? ["ONEX1190"] : [],
            TestContracts.Codes("events: { go: {} }\nany_state: [{ event: go, when: size(event) == 0, next: gone }]\n"
                + $"initial: work\nstates:\n{states}  gone: {{ end: failed }}\n"));

    [Theory]
    [InlineData("choose: [{ when: saga.id == 'a', next: done }, { when: saga.id == 'a', next: late }, { next: late }]", true)]
    [InlineData("choose: [{ when: true, next: done }, { when: saga.id == 'a', next: late }, { next: late }]", true)]
    [InlineData("choose: [{ when: false, next: done }, { next: late }]", true)]
    [InlineData("choose: [{ when: saga.id == 'a', next: done }, { when: saga.id == 'b', next: late }, { next: late }]", false)]
    [InlineData("on_event: [{ event: go, when: saga.id == 'a', next: done }, { event: go, when: saga.id == 'a', next: late }]", true)]
    [InlineData("on_event: [{ event: go, when: saga.id == 'a', next: done }, { event: stop, when: saga.id == 'a', next: late }]", false)]
    public void An_entry_of_choose_or_on_event_that_is_never_taken_is_a_warning(string keys, bool isReported)
    {
        var events = keys.StartsWith("on_event", StringComparison.Ordinal)
            ? "events: { go: {}, stop: {} }\nany_state: [{ event: go, next: done }, { event: stop, next: done }]\n"
            : "";

        Assert.Equal(
            isReported ? ["ONEX1191"] : [],
            TestContracts.Codes($"{events}initial: work\nstates:\n  work:\n    {keys}\n  done: {{ end: completed }}\n"
                + "  late: { end: completed }\n"));
    }

    [Fact]
    public void A_second_rejection_with_the_same_guard_is_a_warning() => Assert.Equal(
        ["ONEX1191"],
        TestContracts.Codes(Work("{ id: a, effect: http.get, connection: stock, with: { path: /a }, "
            + "reject: [{ when: result.status_code == 402, code: a }, { when: result.status_code == 402, code: b }] }")));

    [Theory]
    [InlineData("pivot: true, ", true)]
    [InlineData("", false)]
    public void A_compensation_that_never_runs_is_a_warning(string pivot, bool isReported) => Assert.Equal(
        isReported ? ["ONEX1192"] : [],
        TestContracts.Codes($"initial: work\nstates:\n  work: {{ {pivot}steps: [{{ id: a, effect: http.put, connection: stock, with: {{ "
            + $"path: /a }}, compensate: {{ effect: http.put, connection: stock, with: {{ path: /b }}, when_unknown: block }} }}], next: "
            + $"done }}\n  done: {{ end: completed }}\n"));

    [Theory]
    [InlineData("{ attempts: 1, first: 1s }", true)]
    [InlineData("{ attempts: 1 }", false)]
    [InlineData("{ attempts: 2, first: 1s }", false)]
    public void Delays_in_a_policy_with_one_attempt_are_a_warning(string policy, bool isReported) => Assert.Equal(
        isReported ? ["ONEX1193"] : [], TestContracts.Codes(Work("{ id: a, effect: http.get, connection: stock, with: { path: /a }, "
            + $"retry: {policy} }}")));

    [Fact]
    public void Registered_contracts_stay_valid_despite_new_warnings()
    {
        var source = new ContractSource(
            "small.yaml", TestContracts.Head + "data: { a: string? }\n" + Work($"{Call}, catch: [{{ error: nothing, next: late }}] }}"),
            ImmutableSortedDictionary<string, string>.Empty);

        Assert.Equal(
            ["ONEX1187", "ONEX1183"],
            ContractCompiler.Compile(source, TestCatalogue.Context).Diagnostics.Select(diagnostic => diagnostic.Code));
        Assert.Empty(ContractCompiler.Compile(source, TestCatalogue.Context with { IsRegistered = true }).Diagnostics);
    }

    [Fact]
    public void The_compiler_knows_every_code_with_which_a_role_rejects_a_command()
    {
        var known = TestCatalogue.OrderFulfilmentContext.Operations.All.SelectMany(
            operation => RejectionCodes.For(operation) ?? Enumerable.Empty<string>()).ToHashSet();
        var rejected = new[] { "Onex.Effects", "Onex.Workers" }
            .SelectMany(project => Directory.EnumerateFiles(Repository.At("src", project), "*.cs", SearchOption.AllDirectories))
            .Select(path => ReplaceCodeConstants(File.ReadAllText(path)))
            .SelectMany(source => Rejection().Matches(source).Concat(FinalSqlState().Matches(source)))
            .Select(match => match.Groups["code"].Value)
            .Distinct()
            .ToList();

        Assert.Contains("unique_violation", rejected);
        Assert.Contains("arguments_missing", rejected);
        Assert.Empty(rejected.Except(known));
    }

    private static string ReplaceCodeConstants(string source) => typeof(StepCodes).GetFields().Aggregate(
        source,
        (text, code) => text.Replace($"StepCodes.{code.Name}", $"\"{code.GetRawConstantValue()}\"", StringComparison.Ordinal));

    public static TheoryData<string> ContractFolders =>
    [
        "contracts", "benchmarks/Onex.Benchmarks/contracts",
        .. Directory.EnumerateDirectories(Repository.At("tests", "contracts", "valid"))
            .Select(path => Path.GetRelativePath(Repository.Root, path))
            .Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(ContractFolders))]
    public void The_contracts_of_the_repository_have_no_warnings(string directory)
    {
        var compilation = ContractCompiler.CompileDirectory(
            Repository.At(directory), TestCatalogue.OrderFulfilmentContext with { Connections = null });

        Assert.NotEmpty(compilation.Plans);
        Assert.Equal("", string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render())));
    }

    // Without the closing brace, so that a test can add keys.
    private const string Call = "{ id: call, effect: http.get, connection: stock, with: { path: /a }, " + Reject;

    private const string Input =
        "input: { type: object, required: [order_id, total, lines], properties: { order_id: { type: string }, total: { type: number }, "
            + "any: {}, lines: { type: array, items: { type: object, properties: { sku: { type: string } } } } } }";

    // A contract without its head: the state `work` has the step and the keys.
    private static string Work(string step, string keys = "") =>
        $"initial: work\nstates:\n  work:\n    steps:\n      - {step}\n    timeout: {{ after: 9h, next: late }}\n    {keys}\n"
            + "    next: done\n  done: { end: completed }\n  late: { end: completed }\n";

    private static string Render(string rest) =>
        string.Concat(TestContracts.Check(TestContracts.Head + rest).Diagnostics.Select(diagnostic => diagnostic.Render()));

    private static IReadOnlyList<Diagnostic> DiagnosticsOf(string with) => TestContracts.Check($$"""
        contract: small
        version: 1.0.0
        {{Input}}
        data: { note: { type: string?, initial: null } }
        initial: work
        states:
          work:
            steps:
              - { id: look, effect: http.get, connection: stock, with: { path: /a } }
              - id: report
                effect: http.put
                connection: stock
                with: { {{(with.StartsWith("path", StringComparison.Ordinal) ? "" : "path: /a, ")}}{{with}} }
                compensate: { none: a test }
              - { id: end, compute: transform, with: { values: { a: "${data.note}", b: "${steps.look.body.id}" } } }
            next: done
          done: { end: completed }
        """).Diagnostics;

    private static IReadOnlyList<Diagnostic> Compile(params (string Path, string Text)[] files)
    {
        var directory = Directory.CreateTempSubdirectory("onex-");
        try
        {
            foreach (var (path, text) in files)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(directory.FullName, path))!);
                File.WriteAllText(Path.Combine(directory.FullName, path), text);
            }

            return ContractCompiler.CompileDirectory(directory.FullName, TestCatalogue.Context).Diagnostics;
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [GeneratedRegex(@"(?:Rejected|Reject)[(,]\s*""(?<code>[a-z_]+)""", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Rejection();

    // An entry of the table of SQLSTATE codes: `true` means that an attempt with this code is rejected.
    [GeneratedRegex(@"\(true, ""(?<code>[a-z_]+)""\)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex FinalSqlState();
}
