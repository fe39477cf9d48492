namespace Onex.Tests.Unit.Engine.Generated;

/// <summary>A contract that is well-typed by construction, an input for it, and the constructs of the language that it uses.</summary>
internal sealed record GeneratedContract(string Text, string Input, IReadOnlySet<string> Constructs)
{
    /// <summary>Generates a contract. The same seed of <paramref name="random"/> always leads to the same contract.</summary>
    public static GeneratedContract Create(Random random) => new ContractGenerator(random).Make();
}

/// <summary>
/// Generates contracts from every construct of the language. Each state leads to a later state or an end; it leads back only with a
/// counter, by an event or after a failure, so every saga ends once no failures are injected and few events are sent. Expressions read only
/// values that are certain to exist, or test for their presence first.
/// </summary>
internal sealed partial class ContractGenerator(Random random)
{
    private const string CompensatingState = "unwinding";
    private const string CompensatedEnd = "unwound";
    private const string FailedEnd = "given_up";
    private const string DoneEarly = "done_early";

    private static readonly string[] _texts = ["note", "tag", "mark"];
    private static readonly string[] _numbers = ["count", "total", "rounds"];

    private readonly SortedSet<string> _constructs = new(StringComparer.Ordinal);
    private readonly HashSet<string> _targets = new(StringComparer.Ordinal);
    private readonly HashSet<string> _events = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Shape> _shapes = new(StringComparer.Ordinal);
    private readonly List<string> _stepsThatMayHaveRun = [];
    private readonly List<(string Name, ContractMap State)> _extraStates = [];
    private int _ids;
    private int _stateCount;
    private int _pivot; // the index of the pivot state; int.MaxValue if there is none
    private bool _hasCompensatingState;
    private bool _hasResponded;
    private bool _hasOnFailure;
    private bool _failuresLeadToCalming;
    private bool _hasOutput;

    // What the result of a step looks like.
    private enum Shape
    {
        Http,
        Hash,
        Child,
        Items,
        Rows,
        Transaction,
    }

    public GeneratedContract Make()
    {
        _stateCount = 1 + random.Next(5);
        _pivot = Chance(35) ? random.Next(_stateCount) : int.MaxValue;
        _hasOnFailure = Chance(70);
        _failuresLeadToCalming = _hasOnFailure && Chance(30);
        _hasCompensatingState = _hasOnFailure || Chance(60);
        _hasOutput = Chance(40);
        Use(_hasOnFailure ? "on_failure" : "no on_failure");

        var states = new ContractMap();
        for (var state = 0; state < _stateCount; state++)
        {
            states.Add((Name(state), State(state)));
        }

        var anyState = Chance(40) ? AnyState() : [];
        var deadline = Chance(35)
            ? new ContractMap().With("after", Pick("24h", "72h", "100h")).With("next", CompensateOr(FailedEnd))
            : null;
        Use("deadline", deadline is not null);
        AddCalming();
        states.AddRange(_extraStates.Select(extra => (extra.Name, (object)extra.State)));
        AddEnds(states);
        var key = Chance(35) ? Use("key", "input.id") : null;
        var contract = new ContractMap()
            .With("contract", "generated")
            .With("version", "1.0.0")
            .With("input", Schema())
            .With("output", _hasOutput ? Use("schema of the output", OutputSchema()) : null)
            .With("key", key)
            .With("on_duplicate", key is null ? null : Chance(60) ? Use("on_duplicate join", "join") : Chance(30) ? "reject" : null)
            .With("schedule", Chance(22) ? Schedule(key) : null)
            .With("data", Data())
            .With("events", Events())
            .With("retries", new ContractMap().With("quick", Policy()))
            .With("deadline", deadline)
            .With("any_state", anyState)
            .With("initial", Name(0))
            .With("states", states)
            .With("on_failure", !_hasOnFailure ? null : _failuresLeadToCalming ? "calming" : CompensatingState);
        return new GeneratedContract(ContractText.Write(contract), Input(), _constructs);
    }

    private static string Name(int state) => $"s{state}";

    private bool Chance(int percent) => random.Next(100) < percent;

    private T Pick<T>(params T[] from) => from[random.Next(from.Length)];

    private void Use(string construct, bool isUsed = true)
    {
        if (isUsed)
        {
            _constructs.Add(construct);
        }
    }

    private T Use<T>(string construct, T value)
    {
        _constructs.Add(construct);
        return value;
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
        var items = Enumerable.Range(0, Pick(0, 1, 2, 3, 4, 8))
            .Select(_ => $$"""{"sku":"{{Pick("a", "b", "c")}}","quantity":{{random.Next(10)}}}""");
        var price = Chance(50) ? $$""","price":{{random.Next(100)}}.5""" : "";
        return $$"""{"id":"{{Pick("o-1", "o-2")}}","count":{{random.Next(10)}}{{price}},"items":[{{string.Join(',', items)}}]}""";
    }

    private static ContractMap OutputSchema() => new ContractMap()
        .With("type", "object")
        .With("required", List("id", "text", "said"))
        .With("properties", new ContractMap()
            .With("id", new ContractMap().With("type", "string"))
            .With("text", new ContractMap().With("type", "string"))
            .With("said", new ContractMap().With("type", "string").With("minLength", 5))
            .With("names", new ContractMap().With("type", "array").With("items", new ContractMap().With("type", "string")))
            .With("fixed", new ContractMap().With("type", "array").With("maxItems", 3)))
        .With("additionalProperties", false);

    private ContractMap Schedule(string? key)
    {
        Use("schedule");
        var calendar = Chance(50);
        Use(calendar ? "schedule cron" : "schedule every");
        return new ContractMap()
            .With("every", calendar ? null : Pick("1s", "90s", "1h", "3d"))
            .With("cron", calendar ? Pick("0 3 * * *", "*/15 * * * 1-5", "30 2 29 2 *") : null)
            .With("time_zone", calendar && Chance(60) ? Pick("Europe/Zurich", "America/New_York", "UTC") : null)
            .With("overlap", key is null && Chance(50) ? "allow" : Chance(50) ? "skip" : null)
            .With("missed", Chance(60) ? Pick("latest", "skip") : null)
            .With("input", new ContractMap()
                .With("id", "nightly")
                .With("count", random.Next(10))
                .With("items", List(new ContractMap().With("sku", "a").With("quantity", random.Next(10)))));
    }

    private static List<object> List(params object[] items) => [.. items];

    // 'sure' has no initial value: expressions read it only where a step has certainly set it.
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
        .With("names", new ContractMap().With("type", "list(string)").WithEmpty("initial", new List<object>()))
        .With("refs", new ContractMap().With("type", "list(string)").WithEmpty("initial", new List<object>()));

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
        var scope = new Scope { State = index, PastPivot = index >= _pivot };
        var state = new ContractMap();
        if (index == _pivot)
        {
            Use("pivot");
            state.With("pivot", true);
        }

        if (Chance(20))
        {
            var nextState = NextState(index);
            var rules = Chance(80) ? Rules(index, mustLead: true) : [];
            var anEventLeadsOn = rules.Exists(
                rule => ((ContractMap)rule).Exists(entry => entry is { Key: "next", Value: string next } && next == nextState));
            var timeout = !anEventLeadsOn || Chance(70);
            Use("state that waits");
            Use("state timeout", timeout);
            return state.With("on_event", rules).With(
                "timeout", timeout ? new ContractMap().With("after", Pick("10m", "1h", "23h")).With("next", Target(nextState)) : null);
        }

        var fields = new List<string>(_texts.Concat(_numbers).Concat(["sure", "flag", "due", "names", "refs"]));
        var steps = Steps(scope, fields, depth: 0, max: 4);
        var back = index > 0 && Chance(25);
        if (back)
        {
            steps.Insert(0, new ContractMap().With("set", new ContractMap().With("loops", "data.loops + 1")));
            Use("set");
        }

        var fails = !scope.HasFailed && Chance(6);
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
            state.With("timeout", new ContractMap().With("after", Pick("10m", "1h", "23h")).With("next", LaterTarget(index)));
        }

        AddTransitions(state, index, scope, back);
        return state;
    }

    private void AddTransitions(ContractMap state, int index, Scope scope, bool back)
    {
        if (!back && Chance(50))
        {
            var next = NextState(index);
            state.With("next", Target(next));
            return;
        }

        Use("choose");
        var choices = new List<object>();
        if (back)
        {
            Use("transition back");
            choices.Add(new ContractMap().With("when", "data.loops < 3").With("next", Target(Name(SameOrEarlierState(index)))));
        }

        for (var more = random.Next(3); more > 0; more--)
        {
            var next = LaterTarget(index);
            choices.Add(new ContractMap().With("when", Bool(scope)).With("next", next).With("fault", FaultFor(next)));
        }

        var last = NextState(index);
        choices.Add(new ContractMap().With("next", Target(last)));
        state.With("choose", choices);
    }

    // Each state leads to the next one, so every state is reachable and every saga ends.
    private string NextState(int index) => index + 1 < _stateCount ? Name(index + 1) : "done";

    // A later state, or one that ends the saga otherwise. No transition jumps over the pivot.
    private string LaterTarget(int index)
    {
        var last = index < _pivot ? Math.Min(_pivot, _stateCount - 1) : _stateCount - 1;
        return Chance(40) && index + 1 <= last ? Target(Name(index + 1 + random.Next(last - index)))
            : Chance(20) ? Target(DoneEarly)
            : Chance(25) ? FailingState(index)
            : index >= _pivot ? Target(FailedEnd)
            : CompensateOr(FailedEnd);
    }

    // A failure may lead to an ordinary state, which catches every failure of its own and leads back only with a counter.
    private void AddCalming()
    {
        if (!_failuresLeadToCalming)
        {
            return;
        }

        Use("on_failure to an ordinary state");
        var back = Chance(50) && _pivot != 0;
        _extraStates.Add(("calming", new ContractMap()
            .With("steps", List(
                Chance(40)
                    ? new ContractMap().With("wait", "2s")
                    : new ContractMap().With("set", new ContractMap().With("note", "fault.code")),
                new ContractMap().With("set", new ContractMap().With("loops", "data.loops + 1")),
                Get("calm", "/calm")))
            .With("catch", List(new ContractMap().With("next", Target(CompensatingState))))
            .With("next", back ? null : Target(CompensatingState))
            .With("fault", back ? null : "calmed")
            .With("choose", back
                ? List(
                    new ContractMap().With("when", "data.loops < 4").With("next", Target(Name(0))),
                    new ContractMap().With("next", Target(CompensatingState)).With("fault", "calmed"))
                : null)));
    }

    private static ContractMap Get(string id, string path) => new ContractMap()
        .With("id", id).With("effect", "http.get").With("connection", "outside").With("with", new ContractMap().With("path", path));

    // A failure leads back only through a state with a wait or a counter.
    private string StateThatLeadsBack(int index)
    {
        var (name, earlier) = ($"back{_extraStates.Count}", Target(Name(SameOrEarlierState(index))));
        var waits = Chance(50);
        Use(waits ? "failure that leads back through a wait" : "failure that leads back through a counter");
        var otherwise = waits ? "" : Target(FailedEnd);
        _extraStates.Add((name, waits
            ? new ContractMap().With("steps", List(new ContractMap().With("wait", Pick("1s", "1m")))).With("next", earlier)
            : new ContractMap()
                .With("steps", List(new ContractMap().With("set", new ContractMap().With("loops", "data.loops + 1"))))
                .With("choose", List(
                    new ContractMap().With("when", "data.loops < 4").With("next", earlier),
                    new ContractMap().With("next", otherwise).With("fault", FaultFor(otherwise))))));
        return name;
    }

    // A state that always ends in a failure.
    private string FailingState(int index)
    {
        var name = $"failing{_extraStates.Count}";
        Use("state that ends in fail");
        _extraStates.Add((name, new ContractMap()
            .With(
                "steps",
                List(new ContractMap().With("fail", new ContractMap().With("code", "no_use").With("message", "Not for ${input.id}."))))
            .With("catch", index >= _pivot ? List(new ContractMap().With("next", Target(FailedEnd))) : null)));
        return name;
    }

    private string CompensateOr(string otherwise) => _hasCompensatingState && Chance(75) ? Target(CompensatingState) : Target(otherwise);

    private int SameOrEarlierState(int index) => index >= _pivot ? _pivot + random.Next(index - _pivot + 1) : random.Next(index + 1);

    private string Target(string state)
    {
        _targets.Add(state);
        return state;
    }

    private string? FaultFor(string next)
    {
        if (next is CompensatingState or FailedEnd)
        {
            Use("fault of a transition");
            return Pick("too_dear", "out_of_stock");
        }

        return null;
    }

    private ContractMap Catch(int index, string code, bool mayLeadBack = false)
    {
        Use("catch");
        var next = mayLeadBack && index > 0 && Chance(25) ? StateThatLeadsBack(index) : LaterTarget(index);
        return new ContractMap().With("error", Chance(70) ? List(code) : null).With("next", next);
    }

    private void AddEnds(ContractMap states)
    {
        Use("end completed", _targets.Contains("done"));
        states.Add(
            ("done", new ContractMap().With("end", "completed").With(
                "output", _hasOutput || Chance(60) ? Use("output", Payload(new Scope())) : null)));
        if (_targets.Contains(DoneEarly))
        {
            states.Add((DoneEarly, new ContractMap().With("end", "completed").With("output", _hasOutput ? Payload(new Scope()) : null)));
        }

        if (_targets.Contains(FailedEnd))
        {
            Use("end failed");
            states.Add((FailedEnd, new ContractMap()
                .With("end", "failed")
                .With("output", new ContractMap().With("reason", "${fault.code}"))));
        }

        if (!_hasCompensatingState || (!_hasOnFailure && !_targets.Contains(CompensatingState)))
        {
            return;
        }

        Use("compensating state");
        Use("end failed");
        if (Chance(15))
        {
            Use("state after compensating");
            states.Add((CompensatingState, new ContractMap().With("compensate", "all").With("next", "telling")));
            states.Add(("telling", new ContractMap()
                .With("steps", List(new ContractMap()
                    .With("id", "tell")
                    .With("effect", "http.post")
                    .With("connection", "outside")
                    .With("with", new ContractMap().With("path", "/tell").With("body", new ContractMap().With("why", "${fault.message}")))
                    .With("compensate", new ContractMap().With("none", "what is published cannot be withdrawn"))
                    .With("catch", List(new ContractMap().With("next", CompensatedEnd)))))
                .With("next", CompensatedEnd)));
        }
        else
        {
            states.Add((CompensatingState, new ContractMap().With("compensate", "all").With("next", CompensatedEnd)));
        }

        states.Add((CompensatedEnd, new ContractMap()
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
            .With("next", CompensateOr(FailedEnd)));
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
            events.WithEmpty(name, new ContractMap()
                .With(
                    "data", name is "beat" ? null : new ContractMap().With("text", "string").With("number", "int").With("at", "timestamp"))
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
            var next = index > 0 && Chance(25) ? Target(Name(SameOrEarlierState(index)))
                : mustLead ? Target(NextState(index))
                : LaterTarget(index);
            Use("set of an event", guarded);
            rules.Add(new ContractMap()
                .With("event", Event("go"))
                .With(
                    "when",
                    guarded ? Pick(
                        "event.number > 2", "event.text.startsWith(\"a\") || data.count < 3", "event.at > saga.started_at") : null)
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
}
