using System.Globalization;

namespace Onex.Tests.Unit.Orchestrator.Generated;

/// <summary>A contract that is well-typed by the way it was made, an input for it, and what it is made of.</summary>
internal sealed record GeneratedContract(string Text, string Input, IReadOnlySet<string> Constructs)
{
    /// <summary>The same seed always gives the same one.</summary>
    public static GeneratedContract Of(Random random) => new ContractGenerator(random).Make();
}

/// <summary>
/// Makes contracts out of everything that the language has. States stand in a row, each leads to a later one or to an end, and back only with a
/// counter or by an event or a failure: so every saga ends once the world turns kind. Expressions read what is there for certain, or look first.
/// </summary>
internal sealed class ContractGenerator(Random random)
{
    private const string Unwinding = "unwinding";
    private const string Unwound = "unwound";
    private const string GivenUp = "given_up";
    private const string DoneEarly = "done_early";

    private static readonly string[] _texts = ["note", "tag", "mark"];
    private static readonly string[] _numbers = ["count", "total", "rounds"];

    private readonly SortedSet<string> _constructs = new(StringComparer.Ordinal);
    private readonly HashSet<string> _targets = new(StringComparer.Ordinal);
    private readonly HashSet<string> _events = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Shape> _shapes = new(StringComparer.Ordinal);
    private readonly List<string> _elsewhere = [];
    private int _ids;
    private int _states;
    private int _pivot;
    private bool _hasUnwinding;
    private bool _hasResponded;
    private bool _hasOnFailure;

    private enum Shape
    {
        Http,
        Hash,
        Child,
        Items,
    }

    public GeneratedContract Make()
    {
        _states = 1 + random.Next(5);
        _pivot = Chance(35) ? random.Next(_states) : int.MaxValue;
        _hasOnFailure = Chance(70);
        _hasUnwinding = _hasOnFailure || Chance(60);
        Use(_hasOnFailure ? "on_failure" : "no on_failure");

        var states = new ContractMap();
        for (var state = 0; state < _states; state++)
        {
            states.Add((Name(state), State(state)));
        }

        var anyState = Chance(40) ? AnyState() : [];
        var deadline = Chance(35) ? new ContractMap().With("after", Pick("24h", "72h", "100h")).With("next", Leaving(GivenUp)) : null;
        Use("deadline", deadline is not null);
        AddEnds(states);

        var contract = new ContractMap()
            .With("contract", "generated")
            .With("version", "1.0.0")
            .With("input", Schema())
            .With("key", Chance(20) ? Use("key", "input.id") : null)
            .With("data", Data())
            .With("events", Events())
            .With("retries", new ContractMap().With("quick", Policy()))
            .With("deadline", deadline)
            .With("any_state", anyState)
            .With("initial", Name(0))
            .With("states", states)
            .With("on_failure", _hasOnFailure ? Unwinding : null);
        return new GeneratedContract(ContractText.Of(contract), Input(), _constructs);
    }

    private static string Name(int state) => $"s{state}";

    private bool Chance(int percent) => random.Next(100) < percent;

    private T Pick<T>(params T[] from) => from[random.Next(from.Length)];

    private void Use(string construct, bool whether = true)
    {
        if (whether)
        {
            _constructs.Add(construct);
        }
    }

    private T Use<T>(string construct, T made)
    {
        _constructs.Add(construct);
        return made;
    }

    private static ContractMap Schema() => new ContractMap()
        .With("type", "object")
        .With("required", List("id", "count", "items"))
        .With("properties", new ContractMap()
            .With("id", new ContractMap().With("type", "string"))
            .With("count", new ContractMap().With("type", "integer").With("minimum", 0).With("maximum", 1000))
            .With("price", new ContractMap().With("type", "number"))
            .With("items", new ContractMap()
                .With("type", "array")
                .With("maxItems", 8)
                .With("items", new ContractMap()
                    .With("type", "object")
                    .With("required", List("sku", "quantity"))
                    .With("properties", new ContractMap()
                        .With("sku", new ContractMap().With("type", "string"))
                        .With("quantity", new ContractMap().With("type", "integer").With("minimum", 0).With("maximum", 9))))));

    private string Input()
    {
        var items = Enumerable.Range(0, Pick(0, 1, 2, 3, 4, 8)).Select(_ => $$"""{"sku":"{{Pick("a", "b", "c")}}","quantity":{{random.Next(10)}}}""");
        var price = Chance(50) ? $$""","price":{{random.Next(100)}}.5""" : "";
        return $$"""{"id":"{{Pick("o-1", "o-2")}}","count":{{random.Next(10)}}{{price}},"items":[{{string.Join(',', items)}}]}""";
    }

    private static List<object> List(params object[] items) => [.. items];

    private static ContractMap Data() => new ContractMap()
        .With("note", "string?")
        .With("tag", new ContractMap().With("type", "string").With("initial", "none"))
        .With("mark", "string?")
        .With("sure", "string")
        .With("count", new ContractMap().With("type", "int").With("initial", 0))
        .With("total", new ContractMap().With("type", "int").With("initial", 1))
        .With("rounds", new ContractMap().With("type", "int").With("initial", 0))
        .With("loops", new ContractMap().With("type", "int").With("initial", 0))
        .With("flag", new ContractMap().With("type", "bool").With("initial", false))
        .With("due", new ContractMap().With("type", "timestamp").With("initial", "2026-11-24T09:30:00Z"))
        .With("names", new ContractMap().With("type", "list(string)").Holding("initial", new List<object>()))
        .With("refs", new ContractMap().With("type", "list(string)").Holding("initial", new List<object>()));

    private ContractMap Policy() => new ContractMap()
        .With("attempts", 1 + random.Next(4))
        .With("first", Pick("200ms", "1s"))
        .With("factor", 2)
        .With("max", "5s")
        .With("jitter", Pick("full", "none"))
        .With("within", Chance(30) ? Pick("2m", "5m") : null);

    // ---- states

    private ContractMap State(int index)
    {
        var known = new Scope { State = index, PastPivot = index >= _pivot };
        var state = new ContractMap();
        if (index == _pivot)
        {
            Use("pivot");
            state.With("pivot", true);
        }

        // A state that waits.
        if (Chance(20))
        {
            var onward = Onward(index);
            var rules = Chance(80) ? Rules(index, mustLead: true) : [];
            var timeout = !rules.Exists(rule => ((ContractMap)rule).Exists(entry => entry is { Key: "next", Value: string next } && next == onward)) || Chance(70);
            Use("state that waits");
            Use("state timeout", timeout);
            return state
                .With("on_event", rules)
                .With("timeout", timeout ? new ContractMap().With("after", Pick("10m", "1h", "23h")).With("next", Target(onward)) : null)
                .With("next", null);
        }

        var fields = new List<string>(_texts.Concat(_numbers).Concat(["sure", "flag", "due", "names", "refs"]));
        var steps = Steps(known, fields, depth: 0, most: 4);
        var back = index > 0 && Chance(25);
        if (back)
        {
            steps.Insert(0, new ContractMap().With("set", new ContractMap().With("loops", "data.loops + 1")));
            Use("set");
        }

        var fails = !known.HasFailed && Chance(6);
        if (fails)
        {
            Use("fail");
            steps.Add(new ContractMap()
                .With("fail", new ContractMap().With("code", Pick("no_luck", "refused")).With("message", "Not for ${input.id}."))
                .With("catch", Chance(60) ? List(Catch(index, "no_luck")) : null));
        }

        state.With("steps", steps);
        if (Chance(25))
        {
            Use("catch of a state");
            state.With("catch", List(Catch(index, Pick("step_failed", "declined", "http_409"))));
        }

        if (Chance(35))
        {
            state.With("on_event", Rules(index, mustLead: false));
        }

        if (Chance(15))
        {
            Use("state timeout");
            state.With("timeout", new ContractMap().With("after", Pick("10m", "1h", "23h")).With("next", Leads(index)));
        }

        AddWays(state, index, known, back);
        return state;
    }

    private void AddWays(ContractMap state, int index, Scope known, bool back)
    {
        if (!back && Chance(50))
        {
            var next = Onward(index);
            state.With("next", Target(next));
            return;
        }

        Use("choose");
        var choices = new List<object>();
        if (back)
        {
            Use("way back");
            choices.Add(new ContractMap().With("when", "data.loops < 3").With("next", Target(Name(Earlier(index)))));
        }

        for (var more = random.Next(3); more > 0; more--)
        {
            var next = Leads(index);
            choices.Add(new ContractMap().With("when", Bool(known)).With("next", next).With("fault", FaultFor(next)));
        }

        var last = Onward(index);
        choices.Add(new ContractMap().With("next", Target(last)));
        state.With("choose", choices);
    }

    // The next state: what makes every state reachable, and every saga end.
    private string Onward(int index) => index + 1 < _states ? Name(index + 1) : "done";

    // A later state, or another end. What is before the pivot does not jump over it.
    private string Leads(int index)
    {
        var last = index < _pivot ? Math.Min(_pivot, _states - 1) : _states - 1;
        return Chance(40) && index + 1 <= last ? Target(Name(index + 1 + random.Next(last - index)))
            : Chance(20) ? Target(DoneEarly)
            : Leaving(GivenUp);
    }

    private string Leaving(string otherwise) => _hasUnwinding && Chance(75) ? Target(Unwinding) : Target(otherwise);

    private int Earlier(int index) => index >= _pivot ? _pivot + random.Next(index - _pivot + 1) : random.Next(index + 1);

    private string Target(string state)
    {
        _targets.Add(state);
        return state;
    }

    private string? FaultFor(string next)
    {
        if (next is Unwinding or GivenUp)
        {
            Use("fault of a way");
            return Pick("too_dear", "out_of_stock");
        }

        return null;
    }

    private ContractMap Catch(int index, string code, bool mayLeadBack = false)
    {
        Use("catch");
        var next = mayLeadBack && index > 0 && Chance(25) ? Target(Name(Earlier(index))) : Leads(index);
        return new ContractMap().With("error", Chance(70) ? List(code) : null).With("next", next);
    }

    private void AddEnds(ContractMap states)
    {
        Use("end completed", _targets.Contains("done"));
        states.Add(("done", new ContractMap().With("end", "completed").With("output", Chance(60) ? Use("output", Payload(new Scope())) : null)));
        if (_targets.Contains(DoneEarly))
        {
            states.Add((DoneEarly, new ContractMap().With("end", "completed")));
        }

        if (_targets.Contains(GivenUp))
        {
            Use("end failed");
            states.Add((GivenUp, new ContractMap()
                .With("end", "failed")
                .With("output", new ContractMap().With("reason", "${fault.code}"))));
        }

        if (!_hasUnwinding || (!_hasOnFailure && !_targets.Contains(Unwinding)))
        {
            return;
        }

        Use("compensating state");
        Use("end failed");
        if (Chance(15))
        {
            Use("state after compensating");
            states.Add((Unwinding, new ContractMap().With("compensate", "all").With("next", "telling")));
            states.Add(("telling", new ContractMap()
                .With("steps", List(new ContractMap()
                    .With("id", "tell")
                    .With("effect", "http.post")
                    .With("connection", "outside")
                    .With("with", new ContractMap().With("path", "/tell").With("body", new ContractMap().With("why", "${fault.message}")))
                    .With("compensate", new ContractMap().With("none", "what is told is told"))
                    .With("catch", List(new ContractMap().With("next", Unwound)))))
                .With("next", Unwound)));
        }
        else
        {
            states.Add((Unwinding, new ContractMap().With("compensate", "all").With("next", Unwound)));
        }

        states.Add((Unwound, new ContractMap()
            .With("end", "failed")
            .With("output", Chance(70) ? new ContractMap().With("reason", "${fault.code}").With("why", "${fault.message}") : null)));
    }

    // ---- events

    private List<object> AnyState()
    {
        Use("any_state");
        return List(new ContractMap()
            .With("event", Event("cancel"))
            .With("when", Chance(60) ? "event.text != \"\"" : null)
            .With("next", Leaving(GivenUp)));
    }

    private string Event(string name)
    {
        _events.Add(name);
        return name;
    }

    private ContractMap Events()
    {
        var events = new ContractMap();
        foreach (var name in _events.Order(StringComparer.Ordinal))
        {
            var early = Chance(20);
            Use("early event", early);
            events.Holding(name, new ContractMap()
                .With("data", name is "beat" ? null : new ContractMap().With("text", "string").With("number", "int").With("at", "timestamp"))
                .With("early", early ? "10m" : null));
        }

        return events;
    }

    private List<object> Rules(int index, bool mustLead)
    {
        Use("on_event");
        var rules = new List<object>();
        if (Chance(45))
        {
            Use("stay");
            Use("set of an event");
            rules.Add(new ContractMap()
                .With("event", Event("remark"))
                .With("when", Chance(20) ? "event.number >= 0" : null)
                .With("set", EventSets())
                .With("stay", true));
        }

        if (Chance(15))
        {
            Use("stay");
            rules.Add(new ContractMap().With("event", Event("beat")).With("stay", true));
        }

        if (mustLead || Chance(60))
        {
            var guarded = Chance(40);
            var next = index > 0 && Chance(25) ? Target(Name(Earlier(index))) : mustLead ? Target(Onward(index)) : Leads(index);
            Use("set of an event", guarded);
            rules.Add(new ContractMap()
                .With("event", Event("go"))
                .With("when", guarded ? Pick("event.number > 2", "event.text.startsWith(\"a\") || data.count < 3", "event.at > saga.started_at") : null)
                .With("set", guarded ? EventSets() : null)
                .With("next", next));
        }

        return rules;
    }

    private ContractMap EventSets()
    {
        var sets = new ContractMap().With(Pick("note", "mark"), "event.text");
        if (Chance(50))
        {
            sets.With(Pick(_numbers), "event.number");
        }

        if (Chance(30))
        {
            sets.With("names", "size(data.names) < 6 ? data.names + [event.text] : data.names");
        }

        if (Chance(20))
        {
            sets.With("due", "event.at");
        }

        return sets;
    }

    // ---- steps

    private List<object> Steps(Scope known, List<string> fields, int depth, int most)
    {
        var steps = new List<object>();
        for (var count = 1 + random.Next(most); count > 0 && !known.HasFailed; count--)
        {
            steps.Add(Step(known, fields, depth));
        }

        return steps;
    }

    private ContractMap Step(Scope known, List<string> fields, int depth)
    {
        var dice = random.Next(100);
        return dice switch
        {
            < 34 => Call(known, fields, isEach: false),
            < 44 => Compute(known),
            < 54 => Call(known, fields, isEach: true),
            < 68 when depth < 3 => Parallel(known, fields, depth),
            < 74 => Child(known, fields),
            < 78 => Use("detached child", new ContractMap()
                .With("saga", "audit").With("detached", true).With("with", new ContractMap().With("what", $"${{{Text(known)}}}"))),
            < 83 => Use("emit", new ContractMap()
                .With("emit", "orders.seen")
                .With("with", new ContractMap().With("key", Chance(50) ? $"${{{Text(known)}}}" : null).With("value", Payload(known)))),
            < 86 => Use("wait", new ContractMap().With("wait", Pick("5s", "1m", "2h"))),
            < 89 => Use("wait until", new ContractMap().With("wait", new ContractMap().With("until", Pick("data.due", "saga.started_at + duration(\"30m\")")))),
            < 93 when !_hasResponded && known.InLine => Respond(known),
            < 97 => Set(known, fields),
            _ when depth > 0 => Fail(known),
            _ => Set(known, fields),
        };
    }

    private ContractMap Respond(Scope known)
    {
        _hasResponded = true;
        return Use("respond", new ContractMap().With("respond", Payload(known)));
    }

    private ContractMap Fail(Scope known)
    {
        known.HasFailed = true;
        Use("fail in a branch");
        return Use("fail", new ContractMap()
            .With("fail", new ContractMap().With("code", "no_luck").With("message", "Not now."))
            .With("catch", known.PastPivot ? List(new ContractMap().With("next", Leads(known.State))) : Chance(30) ? List(Catch(known.State, "no_luck")) : null));
    }

    private ContractMap Set(Scope known, List<string> fields)
    {
        var sets = new ContractMap();
        Write(known, fields, sets, Text(known), Int(known));
        if (sets.Count == 0)
        {
            return Use("wait", new ContractMap().With("wait", "3s"));
        }

        return Use("set", new ContractMap().With("set", sets));
    }

    // Writes into a field or two that this branch alone writes.
    private void Write(Scope known, List<string> fields, ContractMap sets, string text, string number)
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
                "flag" => Bool(known),
                "due" => Pick("saga.started_at + duration(\"1h\")", "data.due"),
                "names" => $"size(data.names) < 6 ? data.names + [{text}] : data.names",
                "refs" => $"[{text}]",
                _ when _numbers.Contains(field) => Chance(30) ? $"data.{field} < 1000 ? data.{field} + 1 : 0" : number,
                _ => text,
            });
            known.Fields.Add(field);
        }
    }

    private ContractMap Call(Scope known, List<string> fields, bool isEach)
    {
        var id = $"c{_ids++}";
        var operation = Pick("http.post", "http.post", "http.put", "http.get");
        Use("call effect");
        Use("call effect in a branch", !known.InLine);
        var body = new ContractMap().With("id", "${input.id}").With("text", $"${{{Text(known)}}}").With("number", $"${{{Int(known)}}}");
        var step = new ContractMap().With("id", id);
        if (isEach)
        {
            Use("each");
            var policy = random.Next(3);
            Use(policy switch { 0 => "each stop", 1 => "each continue", _ => "each at_most" });
            var fromData = Chance(30);
            body = new ContractMap().With("sku", fromData ? "${item}" : "${item.sku}").With("place", "${index}").With("text", $"${{{Text(known)}}}");
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
            step.With("returns", new ContractMap().With("body", new ContractMap().With("ref", "string").With("number", "int").With("more", "string?")));
        }

        AddPolicies(step);
        if (Chance(25))
        {
            Use("reject");
            step.With("reject", List(new ContractMap()
                .With("when", Pick("result.status_code == 202", "result.status_code == 402", "result.status_code >= 400 && result.status_code < 404"))
                .With("code", "declined")));
        }

        AddSave(step, known, fields, returns, isEach);
        if (Chance(20))
        {
            Use("catch in a branch", !known.InLine);
            step.With("catch", List(Catch(known.State, Pick("declined", "step_failed", "http_404"), mayLeadBack: true)));
        }

        AddCompensation(step, known, operation, returns, isEach);
        if (isEach)
        {
            Know(known, id, Shape.Items);
        }
        else if (returns)
        {
            Know(known, id, Shape.Http);
        }

        return step;
    }

    private void Know(Scope known, string id, Shape shape)
    {
        _shapes[id] = shape;
        known.Steps.Add(id);
        _elsewhere.Add(id);
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

    private void AddSave(ContractMap step, Scope known, List<string> fields, bool returns, bool isEach)
    {
        if (!Chance(isEach ? 60 : 35) || fields.Count == 0)
        {
            return;
        }

        var sets = new ContractMap();
        if (!isEach)
        {
            Write(known, fields, sets, returns ? "result.body.ref" : "\"was \" + string(result.status_code)", "result.status_code");
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

    private void AddCompensation(ContractMap step, Scope known, string operation, bool returns, bool isEach)
    {
        var needed = operation != "http.get" && !known.PastPivot;
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
        var unknown = Chance(25);
        var body = new ContractMap();
        if (unknown)
        {
            Use("when_unknown");
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
            ? new ContractMap().With("saga", "taking-back").With("with", body)
            : new ContractMap()
                .With("effect", "http.delete")
                .With("connection", "outside")
                .With("with", new ContractMap().With("path", "/things").With("query", new ContractMap().With("id", "${input.id}")))
                .With("retry", Chance(20) ? "quick" : null))
            .With("when_unknown", unknown ? "run" : null));
    }

    private ContractMap Compute(Scope known)
    {
        Use("compute");
        var id = $"c{_ids++}";
        var step = new ContractMap()
            .With("id", id)
            .With("compute", "hash.sha256")
            .With("with", new ContractMap().With("text", $"${{{Text(known)}}}"))
            .With("catch", Chance(10) ? List(Catch(known.State, "step_failed")) : null);
        Know(known, id, Shape.Hash);
        return step;
    }

    private ContractMap Child(Scope known, List<string> fields)
    {
        Use("child");
        var id = $"c{_ids++}";
        var text = Text(known);
        var sets = new ContractMap();
        if (Chance(30))
        {
            Write(known, fields, sets, "result.ref", "result.number");
            Use("save", sets.Count > 0);
        }

        var step = new ContractMap()
            .With("id", id)
            .With("saga", "shipment")
            .With("with", new ContractMap().With("id", "${input.id}").With("text", $"${{{text}}}"))
            .With("returns", new ContractMap().With("ref", "string").With("number", "int"))
            .With("save", sets)
            .With("catch", Chance(20) ? List(Catch(known.State, "no_carrier", mayLeadBack: true)) : null);
        if (Chance(60))
        {
            Use("child that is compensated");
            step.With("compensate", new ContractMap().With("saga", "return-shipment").With("with", new ContractMap().With("ref", "${result.ref}")));
        }

        Know(known, id, Shape.Child);
        return step;
    }

    private ContractMap Parallel(Scope known, List<string> fields, int depth)
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
        var inside = new List<Scope>();
        foreach (var share in shares)
        {
            var scope = known with { InLine = false, Steps = [.. known.Steps], Fields = [.. known.Fields], HasFailed = false };
            inside.Add(scope);
            var list = Chance(45);
            var steps = list ? Steps(scope, share, depth + 1, most: 3) : List(Step(scope, share, depth + 1));
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
            known.Steps.UnionWith(inside.SelectMany(scope => scope.Steps));
            known.Fields.UnionWith(inside.SelectMany(scope => scope.Fields));
        }

        var catches = Chance(25);
        Use("catch of a parallel", catches);
        return new ContractMap()
            .With("id", $"p{_ids++}")
            .With("parallel", new ContractMap()
                .With("join", join switch { 0 => Chance(50) ? "all" : null, 1 => "any", _ => new ContractMap().With("at_least", needed) })
                .With("branches", branches))
            .With("catch", catches ? List(Catch(known.State, Pick("join_failed", "declined", "no_luck"))) : null);
    }

    // ---- expressions

    private ContractMap Payload(Scope known) => new ContractMap()
        .With("id", "${input.id}")
        .With("text", $"${{{Text(known)}}}")
        .With("said", $"{Pick("It is", "There are")} ${{{Int(known)}}}.")
        .With("names", Chance(30) ? "${data.names}" : null)
        .With("fixed", Chance(30) ? List(1, true, "x") : null);

    private string Text(Scope known)
    {
        var step = Step(known);
        return random.Next(8) switch
        {
            0 => "input.id",
            1 => "data.tag",
            2 => known.Fields.Contains("sure") ? "data.sure" : "saga.id",
            3 when _elsewhere.Count > 0 => ElsewhereText(),
            4 or 5 or 6 when step is not null => _shapes[step] switch
            {
                Shape.Http => $"steps.{step}.body.ref",
                Shape.Hash => $"steps.{step}.hex",
                Shape.Child => $"steps.{step}.ref",
                _ => $"string(steps.{step}.completed)",
            },
            7 => "input.id + \"/\" + data.tag",
            _ => "\"fixed\"",
        };
    }

    private string ElsewhereText()
    {
        var step = _elsewhere[random.Next(_elsewhere.Count)];
        return _shapes[step] switch
        {
            Shape.Http => $"steps.?{step}.?body.?ref.orValue(\"\")",
            Shape.Hash => $"has(steps.{step}) ? steps.{step}.hex : \"\"",
            Shape.Child => $"steps.?{step}.?ref.orValue(\"\")",
            _ => "\"many\"",
        };
    }

    private string Int(Scope known)
    {
        var step = Step(known);
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
                _ => Pick($"steps.{step}.failed", $"steps.{step}.completed"),
            },
            5 => "size(data.names) + 1",
            _ => random.Next(20).ToString(CultureInfo.InvariantCulture),
        };
    }

    private string Bool(Scope known)
    {
        var step = _elsewhere.Count == 0 ? null : _elsewhere[random.Next(_elsewhere.Count)];
        return random.Next(7) switch
        {
            0 => "data.flag",
            1 when step is not null => Use("guard over steps", _shapes[step] switch
            {
                Shape.Http => $"has(steps.{step}) && steps.{step}.body.number > {random.Next(10)}",
                Shape.Child => $"has(steps.{step}) && steps.{step}.number > {random.Next(10)}",
                Shape.Items => $"has(steps.{step}) && steps.{step}.failed == 0",
                _ => $"has(steps.{step}) && steps.{step}.hex.startsWith(\"a\")",
            }),
            2 => Use("guard over input", "input.items.exists(i, i.quantity > 5)"),
            3 => Use("guard over data", "has(data.note) && data.note != \"\""),
            4 => $"{Int(known)} {Pick("<", ">=", "==")} {random.Next(8)}",
            5 => Use("guard over data", $"!data.flag || data.{Pick(_numbers)} > 2"),
            _ => Use("guard over data", $"data.{Pick(_numbers)} > {random.Next(8)}"),
        };
    }

    private string? Step(Scope known) => known.Steps.Count == 0 ? null : known.Steps.ElementAt(random.Next(known.Steps.Count));

    /// <summary>What an expression may read at a place.</summary>
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
