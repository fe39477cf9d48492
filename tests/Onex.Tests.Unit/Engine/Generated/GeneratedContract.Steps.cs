using System.Globalization;

namespace Onex.Tests.Unit.Engine.Generated;

/// <summary>Generates steps and expressions.</summary>
internal sealed partial class ContractGenerator
{
    private List<object> Steps(Scope scope, List<string> fields, int depth, int max)
    {
        var steps = new List<object>();
        for (var count = 1 + random.Next(max); count > 0 && !scope.HasFailed; count--)
        {
            steps.Add(Step(scope, fields, depth));
        }

        return steps;
    }

    private ContractMap Step(Scope scope, List<string> fields, int depth)
    {
        var roll = random.Next(100);
        return roll switch
        {
            < 28 => Call(scope, fields, isEach: false),
            < 36 => Database(scope, fields),
            < 44 => Compute(scope),
            < 51 => Call(scope, fields, isEach: true),
            < 54 => Children(scope, fields),
            < 68 when depth < 3 => Parallel(scope, fields, depth),
            < 74 => Child(scope, fields),
            < 78 => Use("detached child", new ContractMap()
                .With("saga", "audit").With("detached", true).With("with", new ContractMap().With("what", $"${{{Text(scope)}}}"))),
            < 83 => Use("emit", new ContractMap()
                .With("emit", "orders.seen")
                .With("with", new ContractMap().With("key", Chance(50) ? $"${{{Text(scope)}}}" : null).With("value", Payload(scope)))),
            < 86 => Use("wait", new ContractMap().With("wait", Pick("5s", "1m", "2h"))),
            < 89 =>
                Use(
                    "wait until",
                    new ContractMap().With(
                        "wait", new ContractMap().With("until", Pick("data.due", "saga.started_at + duration(\"30m\")")))),
            < 93 when !_hasResponded && scope.InLine => Respond(scope),
            < 97 => Set(scope, fields),
            _ when depth > 0 => Fail(scope),
            _ => Set(scope, fields),
        };
    }

    private ContractMap Respond(Scope scope)
    {
        _hasResponded = true;
        return Use("respond", new ContractMap().With("respond", Payload(scope)));
    }

    private ContractMap Fail(Scope scope)
    {
        scope.HasFailed = true;
        Use("fail in a branch");
        return Use("fail", new ContractMap()
            .With("fail", new ContractMap().With("code", "no_luck").With("message", "Not now."))
            .With(
                "catch",
                scope.PastPivot ? List(
                    new ContractMap().With("next", LaterTarget(scope.State))) : Chance(30) ? List(Catch(scope.State, "no_luck")) : null));
    }

    private ContractMap Set(Scope scope, List<string> fields)
    {
        var sets = new ContractMap();
        Write(scope, fields, sets, Text(scope), Int(scope));
        if (sets.Count == 0)
        {
            return Use("wait", new ContractMap().With("wait", "3s"));
        }

        return Use("set", new ContractMap().With("set", sets));
    }

    // Writes one or two fields that no other branch writes.
    private void Write(Scope scope, List<string> fields, ContractMap sets, string text, string number)
    {
        for (var count = 1 + random.Next(2); count > 0 && fields.Count > 0; count--)
        {
            var field = fields[random.Next(fields.Count)];
            if (sets.Exists(set => set.Key == field))
            {
                continue;
            }

            sets.With(field, field switch
            {
                "flag" => Bool(scope),
                "due" => Pick("saga.started_at + duration(\"1h\")", "data.due"),
                "names" => $"size(data.names) < 6 ? data.names + [{text}] : data.names",
                "refs" => $"[{text}]",
                _ when _numbers.Contains(field) => Chance(30) ? $"data.{field} < 1000 ? data.{field} + 1 : 0" : number,
                _ => text,
            });
            scope.Fields.Add(field);
        }
    }

    private ContractMap Call(Scope scope, List<string> fields, bool isEach)
    {
        var id = $"c{_ids++}";
        var operation = Pick("http.post", "http.post", "http.put", "http.get");
        Use("call effect");
        Use("call effect in a branch", !scope.InLine);
        var body = new ContractMap().With("id", "${input.id}").With("text", $"${{{Text(scope)}}}").With("number", $"${{{Int(scope)}}}");
        var step = new ContractMap().With("id", id);
        if (isEach)
        {
            Use("each");
            var policy = random.Next(3);
            Use(policy switch { 0 => "each stop", 1 => "each continue", _ => "each at_most" });
            var fromData = Chance(30);
            body = new ContractMap()
                .With("sku", fromData ? "${item}" : "${item.sku}")
                .With("place", "${index}")
                .With("text", $"${{{Text(scope)}}}");
            step.With("each", new ContractMap()
                .With("item", fromData ? "data.names" : "input.items")
                .With("at_once", Chance(70) ? 1 + random.Next(4) : null)
                .With("at_most", fromData || Chance(30) ? 20 : null)
                .With("on_item_failure", policy switch
                {
                    0 => Chance(50) ? "stop" : null,
                    1 => "continue",
                    _ => new ContractMap().With("at_most", 1 + random.Next(2)),
                }));
        }

        step.With("effect", operation).With("connection", "outside").With("with", new ContractMap()
            .With("path", Chance(50) ? "/things" : "/things/${input.id}")
            .With(operation == "http.get" ? "" : "body", operation == "http.get" ? null : body));
        var returns = Chance(75);
        if (returns)
        {
            Use("returns");
            step.With(
                "returns",
                new ContractMap().With("body", new ContractMap().With("ref", "string").With("number", "int").With("more", "string?")));
        }

        AddPolicies(step);
        if (Chance(25))
        {
            Use("reject");
            step.With("reject", List(new ContractMap()
                .With(
                    "when",
                    Pick("result.status_code == 202", "result.status_code == 402", "result.status_code >= 400 && result.status_code < 404"))
                .With("code", "declined")));
        }

        AddAggregates(step, returns, isEach);
        AddSave(step, scope, fields, returns, isEach);
        if (Chance(20))
        {
            Use("catch in a branch", !scope.InLine);
            step.With("catch", List(Catch(scope.State, Pick("declined", "step_failed", "http_404"), mayLeadBack: true)));
        }

        AddCompensation(step, scope, operation, returns, isEach);
        if (isEach)
        {
            AddStep(scope, id, Shape.Items);
        }
        else if (returns)
        {
            AddStep(scope, id, Shape.Http);
        }

        return step;
    }

    // SQL statements are constants, and values are parameters.
    private ContractMap Database(Scope scope, List<string> fields)
    {
        var id = $"c{_ids++}";
        var operation = Pick("db.query", "db.execute", "db.transaction");
        Use(operation);
        var statement = new ContractMap()
            .With("sql", "SELECT ref, number FROM things WHERE id = $1 AND number > $2")
            .With("parameters", List("${input.id}", $"${{{Int(scope)}}}"));
        var isTransaction = operation == "db.transaction";
        var step = new ContractMap().With("id", id).With("effect", operation).With("connection", "books").With(
            "with", isTransaction ? new ContractMap().With(
                "statements", List(statement, new ContractMap().With("sql", "SELECT 1 AS one"))) : statement);
        if (!isTransaction && Chance(70))
        {
            step.With(
                "returns",
                new ContractMap().With("rows", Pick<object>("list({ ref: string, number: int })", "list(any)")).With("row_count", "int"));
        }

        AddPolicies(step);
        var sets = new ContractMap();
        if (!isTransaction && Chance(30))
        {
            Write(scope, fields, sets, "string(result.row_count)", "result.row_count");
            Use("save", sets.Count > 0);
        }

        step.With("save", sets);
        if (operation != "db.query" && !scope.PastPivot)
        {
            Use("compensate");
            step.With("compensate", new ContractMap()
                .With("effect", "db.execute")
                .With("connection", "books")
                .With("with", new ContractMap().With("sql", "DELETE FROM things WHERE id = $1").With("parameters", List("${input.id}")))
                .With("when_unknown", Pick("run", "block", "assume_not_done")));
        }

        AddStep(scope, id, isTransaction ? Shape.Transaction : Shape.Rows);
        return step;
    }

    // A child saga for each item.
    private ContractMap Children(Scope scope, List<string> fields)
    {
        Use("each child");
        var id = $"c{_ids++}";
        var step = new ContractMap()
            .With("id", id)
            .With("saga", "shipment")
            .With("each", new ContractMap()
                .With("item", "input.items")
                .With("at_once", Chance(70) ? 1 + random.Next(4) : null)
                .With("on_item_failure", Pick("stop", "continue")))
            .With("with", new ContractMap().With("id", "${input.id}").With("text", "${item.sku}"))
            .With("returns", new ContractMap().With("ref", "string").With("number", "int"));
        if (Chance(40))
        {
            step.With(
                "aggregate",
                Use("aggregate", new ContractMap().With("number", new ContractMap().With(Pick("sum", "min", "max"), "result.number"))));
        }

        var count = fields.FirstOrDefault(_numbers.Contains);
        if (count is not null && Chance(50))
        {
            Use("save");
            step.With("save", new ContractMap().With(count, "size(failures) + result.completed"));
        }

        if (Chance(60))
        {
            Use("child that is compensated");
            step.With(
                "compensate",
                new ContractMap().With("saga", "return-shipment").With("with", new ContractMap().With("ref", "${result.ref}")));
        }

        AddStep(scope, id, Shape.Items);
        return step;
    }

    private void AddAggregates(ContractMap step, bool returns, bool isEach)
    {
        if (!isEach || !Chance(35))
        {
            return;
        }

        Use("aggregate");
        var aggregates = new ContractMap().With("fine", new ContractMap().With("count", "result.status_code < 202 && index >= 0"));
        if (returns)
        {
            aggregates.With(
                "sum",
                new ContractMap().With("sum", Pick("result.body.number", "double(result.body.number) / 2.0", "size(result.body.ref)")));
            aggregates.With("most", new ContractMap().With(Pick("max", "min"), "result.body.number + index"));
        }

        step.With("aggregate", aggregates);
    }

    private void AddStep(Scope scope, string id, Shape shape)
    {
        _shapes[id] = shape;
        scope.Steps.Add(id);
        _stepsThatMayHaveRun.Add(id);
    }

    private void AddPolicies(ContractMap step)
    {
        if (Chance(30))
        {
            Use("retry policy");
            step.With("retry", Chance(50) ? "quick" : Policy());
        }

        if (Chance(20))
        {
            Use("timeout of a step");
            step.With("timeout", Pick("5s", "10s", "1m"));
        }
    }

    private void AddSave(ContractMap step, Scope scope, List<string> fields, bool returns, bool isEach)
    {
        if (!Chance(isEach ? 60 : 35) || fields.Count == 0)
        {
            return;
        }

        var sets = new ContractMap();
        if (!isEach)
        {
            Write(scope, fields, sets, returns ? "result.body.ref" : "\"was \" + string(result.status_code)", "result.status_code");
        }
        else
        {
            var (refs, count) = (fields.Contains("refs"), fields.FirstOrDefault(_numbers.Contains));
            if (refs && returns)
            {
                sets.With("refs", "results.map(r, r.body.ref)");
            }

            if (count is not null)
            {
                sets.With(count, Pick("size(results)", "size(failures)"));
            }

            Use("each save from results", sets.Count > 0);
        }

        Use("save", sets.Count > 0);
        step.With("save", sets);
    }

    private void AddCompensation(ContractMap step, Scope scope, string operation, bool returns, bool isEach)
    {
        var needed = operation != "http.get" && !scope.PastPivot;
        if (!needed && !Chance(20))
        {
            return;
        }

        if (Chance(20))
        {
            Use("compensate none");
            step.With("compensate", new ContractMap().With("none", "it does no harm"));
            return;
        }

        Use("compensate");
        var whenUnknown = Pick("run", "block", "block", "assume_not_done");
        var unknown = whenUnknown == "run";
        Use($"when_unknown {whenUnknown}");
        var body = new ContractMap();
        if (unknown)
        {
            body.With("key", "${command_id}").With("count", Chance(40) ? "${data.count}" : null);
        }
        else
        {
            body.With("what", returns ? "${result.body.ref}" : "${result.status_code}").With("place", isEach ? "${index}" : null);
        }

        body.With("id", "${input.id}");
        var child = !unknown && Chance(12);
        Use("compensate with a child", child);
        step.With("compensate", (child
            ? new ContractMap().With("saga", "refund").With("with", body)
            : new ContractMap()
                .With("effect", "http.delete")
                .With("connection", "outside")
                .With("with", new ContractMap().With("path", "/things").With("query", new ContractMap().With("id", "${input.id}")))
                .With("retry", Chance(20) ? "quick" : null))
            .With("when_unknown", whenUnknown));
    }

    private ContractMap Compute(Scope scope)
    {
        Use("compute");
        var id = $"c{_ids++}";
        var step = new ContractMap()
            .With("id", id)
            .With("compute", "hash.sha256")
            .With("with", new ContractMap().With("text", $"${{{Text(scope)}}}"))
            .With("catch", Chance(10) ? List(Catch(scope.State, "step_failed")) : null);
        AddStep(scope, id, Shape.Hash);
        return step;
    }

    private ContractMap Child(Scope scope, List<string> fields)
    {
        Use("child");
        var id = $"c{_ids++}";
        var text = Text(scope);
        var sets = new ContractMap();
        if (Chance(30))
        {
            Write(scope, fields, sets, "result.ref", "result.number");
            Use("save", sets.Count > 0);
        }

        var step = new ContractMap()
            .With("id", id)
            .With("saga", "shipment")
            .With("with", new ContractMap().With("id", "${input.id}").With("text", $"${{{text}}}"))
            .With("returns", new ContractMap().With("ref", "string").With("number", "int"))
            .With("save", sets)
            .With("catch", Chance(20) ? List(Catch(scope.State, "no_carrier", mayLeadBack: true)) : null);
        if (Chance(60))
        {
            Use("child that is compensated");
            step.With(
                "compensate",
                new ContractMap().With("saga", "return-shipment").With("with", new ContractMap().With("ref", "${result.ref}")));
        }

        AddStep(scope, id, Shape.Child);
        return step;
    }

    private ContractMap Parallel(Scope scope, List<string> fields, int depth)
    {
        Use("parallel");
        Use("parallel in parallel", depth > 0);
        var count = 2 + random.Next(2);
        var join = random.Next(3);
        Use(join switch { 0 => "parallel all", 1 => "parallel any", _ => "parallel at_least" });
        var needed = join switch { 0 => count, 1 => 1, _ => 1 + random.Next(count) };
        var shares = Enumerable.Range(0, count).Select(_ => new List<string>()).ToList();
        foreach (var field in fields)
        {
            shares[random.Next(count)].Add(field);
        }

        var branches = new List<object>();
        var branchScopes = new List<Scope>();
        foreach (var share in shares)
        {
            var branchScope = scope with { InLine = false, Steps = [.. scope.Steps], Fields = [.. scope.Fields], HasFailed = false };
            branchScopes.Add(branchScope);
            var list = Chance(45);
            var steps = list ? Steps(branchScope, share, depth + 1, max: 3) : List(Step(branchScope, share, depth + 1));
            var keep = join != 0 && Chance(30);
            Use("losers keep", keep);
            Use("losers compensate", join != 0 && !keep);
            Use("branch of several steps", steps.Count > 1);
            branches.Add(
                keep ? new ContractMap().With("steps", steps).With("losers", "keep")
                : steps.Count == 1 && !((ContractMap)steps[0]).Exists(entry => entry.Key == "parallel") ? steps[0]
                : new ContractMap().With("steps", steps));
        }

        if (needed == count)
        {
            scope.Steps.UnionWith(branchScopes.SelectMany(branchScope => branchScope.Steps));
            scope.Fields.UnionWith(branchScopes.SelectMany(branchScope => branchScope.Fields));
        }

        var catches = Chance(25);
        Use("catch of a parallel", catches);
        return new ContractMap()
            .With("id", $"p{_ids++}")
            .With("parallel", new ContractMap()
                .With("join", join switch { 0 => Chance(50) ? "all" : null, 1 => "any", _ => new ContractMap().With("at_least", needed) })
                .With("branches", branches))
            .With("catch", catches ? List(Catch(scope.State, Pick("join_failed", "declined", "no_luck"))) : null);
    }

    // ---- expressions

    private ContractMap Payload(Scope scope) => new ContractMap()
        .With("id", "${input.id}")
        .With("text", $"${{{Text(scope)}}}")
        .With("said", $"{Pick("It is", "There are")} ${{{Int(scope)}}}.")
        .With("names", Chance(30) ? "${data.names}" : null)
        .With("fixed", Chance(30) ? List(1, true, "x") : null);

    private string Text(Scope scope)
    {
        var step = Step(scope);
        return random.Next(8) switch
        {
            0 => "input.id",
            1 => "data.tag",
            2 when Chance(60) => scope.Fields.Contains("sure") ? "data.sure" : "saga.id",
            3 when _stepsThatMayHaveRun.Count > 0 => TextOfStepThatMayHaveRun(),
            4 or 5 or 6 when step is not null => _shapes[step] switch
            {
                Shape.Http => $"steps.{step}.body.ref",
                Shape.Hash => $"steps.{step}.hex",
                Shape.Child => $"steps.{step}.ref",
                Shape.Rows => $"string(steps.{step}.row_count)",
                Shape.Transaction => $"string(size(steps.{step}.results))",
                _ => $"string(steps.{step}.completed)",
            },
            2 => Use("property of a connection", "connections.outside.region"),
            7 => "input.id + \"/\" + data.tag",
            _ => "\"fixed\"",
        };
    }

    private string TextOfStepThatMayHaveRun()
    {
        var step = _stepsThatMayHaveRun[random.Next(_stepsThatMayHaveRun.Count)];
        return _shapes[step] switch
        {
            Shape.Http => $"steps.?{step}.?body.?ref.orValue(\"\")",
            Shape.Hash => $"has(steps.{step}) ? steps.{step}.hex : \"\"",
            Shape.Child => $"steps.?{step}.?ref.orValue(\"\")",
            _ => "\"many\"",
        };
    }

    private string Int(Scope scope)
    {
        var step = Step(scope);
        return random.Next(7) switch
        {
            0 => "input.count",
            1 => $"data.{Pick(_numbers)}",
            2 => "size(input.items)",
            3 or 4 when step is not null => _shapes[step] switch
            {
                Shape.Http => $"steps.{step}.body.number",
                Shape.Hash => $"size(steps.{step}.hex)",
                Shape.Child => $"steps.{step}.number",
                Shape.Rows => $"steps.{step}.row_count",
                Shape.Transaction => $"size(steps.{step}.results)",
                _ => Pick($"steps.{step}.failed", $"steps.{step}.completed"),
            },
            5 => Chance(70) ? "size(data.names) + 1" : Use("property of a connection", "connections.outside.shards"),
            _ => random.Next(20).ToString(CultureInfo.InvariantCulture),
        };
    }

    private string Bool(Scope scope)
    {
        var step = _stepsThatMayHaveRun.Count == 0 ? null : _stepsThatMayHaveRun[random.Next(_stepsThatMayHaveRun.Count)];
        return random.Next(7) switch
        {
            0 => "data.flag",
            1 when step is not null => Use("guard over steps", _shapes[step] switch
            {
                Shape.Http => $"has(steps.{step}) && steps.{step}.body.number > {random.Next(10)}",
                Shape.Child => $"has(steps.{step}) && steps.{step}.number > {random.Next(10)}",
                Shape.Items => $"has(steps.{step}) && steps.{step}.failed == 0",
                Shape.Rows => $"has(steps.{step}) && steps.{step}.row_count > {random.Next(10)}",
                Shape.Transaction => $"has(steps.{step}) && size(steps.{step}.results) > 1",
                _ => $"has(steps.{step}) && steps.{step}.hex.startsWith(\"a\")",
            }),
            2 => Use("guard over input", "input.items.exists(i, i.quantity > 5)"),
            3 => Use("guard over data", "has(data.note) && data.note != \"\""),
            4 => $"{Int(scope)} {Pick("<", ">=", "==")} {random.Next(8)}",
            5 => Use("guard over data", $"!data.flag || data.{Pick(_numbers)} > 2"),
            _ => Use("guard over data", $"data.{Pick(_numbers)} > {random.Next(8)}"),
        };
    }

    private string? Step(Scope scope) => scope.Steps.Count == 0 ? null : scope.Steps.ElementAt(random.Next(scope.Steps.Count));

    /// <summary>The values that an expression may read at a position.</summary>
    private sealed record Scope
    {
        public int State { get; init; }

        public bool PastPivot { get; init; }

        public bool InLine { get; init; } = true;

        public bool HasFailed { get; set; }

        public SortedSet<string> Steps { get; init; } = new(StringComparer.Ordinal);

        public HashSet<string> Fields { get; init; } = new(StringComparer.Ordinal);
    }
}
