using System.Collections.Immutable;
using System.Globalization;
using CsCheck;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Effects;
using Onex.Engine;
using Onex.Orchestrator.Mapping;
using Onex.Tests.Integration.Persistence.Sqlite;

namespace Onex.Tests.Integration.Persistence;

/// <summary>A value of a saga has the same type whether the saga was in memory or was read from its row.</summary>
public abstract class StoredValueTests
{
    private const string Contract = """
        contract: keeper
        version: 1.0.0
        description: Keeps anything.
        input: { type: object }
        data: { anything: any }
        events: { reported: { data: { what: any } } }
        initial: keeping
        states:
          keeping:
            on_event: [ { event: reported, next: done } ]
          done: { end: completed }
        """;

    private static readonly Plan _plan = ContractCompiler.Compile(
        new ContractSource("keeper.yaml", Contract, ImmutableSortedDictionary<string, string>.Empty),
        new CompilerContext(new OperationCatalogue(EffectOperations.Descriptors), new Dictionary<string, ConnectionDescriptor>())).Plans[0];

    private static readonly Gen<string> _text = Gen.OneOf(
        Gen.Const(""),
        Gen.String[Gen.Char['a', 'z'], 0, 6],
        Gen.Const("ä 😀 \u0001 \"\\"),
        Gen.Const("150.0"),
        Gen.Const("2026-11-24T08:00:00Z"));

    private static readonly Gen<double> _double = Gen.OneOf(
        Gen.Double.Where(double.IsFinite),
        OneOf(
            0.0,
            -0.0,
            1.5e17,
            -1.5e17,
            1e15,
            9007199254740993.0,
            1.8446744073709552e19,
            1e300,
            double.MaxValue,
            double.MinValue,
            double.Epsilon,
            1e-7,
            0.1));

    private static readonly Gen<CelValue> _simple = Gen.OneOf(
        Gen.Const(CelValue.Null),
        Gen.Bool.Select(CelValue.Bool),
        Gen.OneOf(Gen.Long, OneOf(0L, -1L, long.MinValue, long.MaxValue)).Select(CelValue.Int),
        Gen.OneOf(Gen.ULong, OneOf(0UL, 5UL, (ulong)long.MaxValue, (ulong)long.MaxValue + 1, ulong.MaxValue)).Select(CelValue.Uint),
        _double.Select(CelValue.Double),
        _text.Select(CelValue.String),
        Gen.Byte.Array[0, 9].Select(bytes => CelValue.Bytes(bytes)),
        Gen.Select(Gen.Long[-62_135_596_800, 253_402_300_799], Gen.Int[0, 999_999_999])
            .Select((seconds, nanos) => CelValue.Timestamp(seconds, nanos)),
        Gen.Select(Gen.Long[-9_000_000_000, 9_000_000_000], Gen.Int[0, 999_999_999]).Select(
            (seconds, nanos) => CelValue.Duration(seconds, seconds < 0 ? -nanos : nanos)));

    private static readonly Gen<CelValue> _key = Gen.OneOf(
        _text.Select(text => CelValue.String("k" + text)),
        Gen.Long.Select(CelValue.Int),
        Gen.ULong.Select(CelValue.Uint),
        Gen.Bool.Select(CelValue.Bool));

    private static readonly CancellationToken _none = CancellationToken.None;

    /// <summary>The store under test.</summary>
    protected abstract ISagaStore Store { get; }

    [Fact]
    public async Task Stored_values_keep_their_types() => await Values(3).Array[40].SampleAsync(
        async values =>
        {
            var storable = values.Where(IsStorable).Select(StoredOrder.Sort).Append(Nested(63)).ToList();
            var all = CelValue.List([.. storable]);
            var saga = Saga(all) with
            {
                Results = storable.Select((value, index) => KeyValuePair.Create($"step{index}", value)).ToImmutableDictionary(),
                EachRuns = [new EachRun("each", storable.Count) { Items = all, Totals = [.. storable] }],
                Outstanding = [Command(all)],
                BufferedEvents = [
                    new BufferedEvent(
                        Rows.Id(), "reported", CelValue.Map([new("what", all)]), Saga(all).Facts.Requester, Rows.Now, Rows.Now.AddDays(1))],
            };
            var loaded = await RoundTripAsync(saga);

            Assert.Equal(ToExactText(all), ToExactText(loaded.Data["anything"]));
            Assert.All(saga.Results, result => Assert.Equal(ToExactText(result.Value), ToExactText(loaded.Results[result.Key])));
            Assert.Equal(ToExactText(all), ToExactText(loaded.EachRuns[0].Items!.Value));
            Assert.Equal(ToExactText(all), ToExactText(CelValue.List([.. loaded.EachRuns[0].Totals])));
            Assert.Equal(ToExactText(all), ToExactText(loaded.Outstanding[0].ItemValue!.Value));
            Assert.Equal(ToExactText(saga.BufferedEvents[0].Data), ToExactText(loaded.BufferedEvents[0].Data));
        },
        iter: 20,
        threads: 1);

    [Fact]
    public async Task A_deeply_nested_value_of_an_earlier_version_is_read_and_written_back()
    {
        var loaded = await RoundTripAsync(Saga(Nested(500)));
        loaded = await RoundTripAsync(loaded with { Facts = Saga(CelValue.Null).Facts });

        Assert.Equal(ToExactText(Nested(500)), ToExactText(loaded.Data["anything"]));
    }

    [Fact]
    public async Task Compensation_arguments_have_the_same_bytes_after_a_round_trip()
    {
        var arguments = StoredOrder.Sort(
            RawJson.FromText("""{"long":1.5e17,"tiny":1e-9,"b":-0.0,"zz":[1.0,18446744073709551615],"a":{"cc":1,"b":2}}"""));
        var compensable = new Compensable("step", "keeping", Rows.Id(), arguments);

        var loaded = await RoundTripAsync(Saga(CelValue.Null) with { Compensables = [compensable] });

        Assert.Equal(arguments.ToString(), loaded.Compensables[0].Arguments.ToString());
    }

    private static Gen<CelValue> Values(int depth) => depth == 0
        ? _simple
        : Gen.Frequency(
            (6, _simple),
            (2, Values(depth - 1).List[0, 4].Select(items => CelValue.List(items))),
            (1, _simple.Select(item => CelValue.List([item, item, item]))),
            (
                2,
                Gen.Select(_text, Values(depth - 1)).List[0, 4].Select(entries =>
                    CelValue.Map(entries.Select(entry => KeyValuePair.Create(entry.Item1, entry.Item2))))),
            (1, Gen.Select(_key, Values(depth - 1)).List[0, 4].Select(ToMap)));

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    private static CelValue ToMap(IEnumerable<(CelValue Key, CelValue Value)> entries)
    {
        var map = new CelMap(4);
        foreach (var (key, value) in entries)
        {
            map.Set(key, value);
        }

        return CelValue.Map(map);
    }

    // Whether an assignment accepts the value: it rejects a map with two keys that are the same in JSON.
    private static bool IsStorable(CelValue value) => ValueJson.TryWrite(value, out _, out _);

    private static CelValue Nested(int levels)
    {
        var value = CelValue.Timestamp(0, 1);
        for (var level = 0; level < levels; level++)
        {
            value = level % 2 == 0 ? CelValue.List([value]) : CelValue.Map([new("before", value)]);
        }

        return value;
    }

    private static SagaState Saga(CelValue anything)
    {
        var id = Rows.Id();
        return new SagaState
        {
            Facts = new SagaFacts
            {
                SagaId = id,
                Contract = _plan.Name,
                ContractVersion = _plan.Version,
                ContractHash = _plan.Hash,
                HomePartition = 0,
                StartedAt = Rows.Now,
                Input = CelValue.Map([]),
                Requester = new Requester { RequestId = id, CorrelationId = id, Operation = _plan.Name, Source = $"requests/0/{id}" },
            },
            State = _plan.Initial,
            Status = SagaStatus.Waiting,
            EnteredAt = Rows.Now,
            UpdatedAt = Rows.Now,
            Data = ImmutableDictionary<string, CelValue>.Empty.Add("anything", anything),
        };
    }

    private static Outstanding Command(CelValue item) => new()
    {
        CommandId = Rows.Id(),
        Step = "each",
        Item = 1,
        ItemValue = item,
        Direction = StepDirection.Forward,
        Attempt = 1,
        Phase = AttemptPhase.InFlight,
        DueAt = Rows.Now,
        FirstSentAt = Rows.Now,
    };

    // Commits the saga and loads it again from the store.
    private async Task<SagaState> RoundTripAsync(SagaState saga)
    {
        var row = SagaRows.ToRow(saga, 1, Rows.Id());
        var input = new SagaPayload(Rows.Id(), row.Id, "input", RawJson.EmptyObject);
        Assert.Equal([CommitResult.Committed.Instance], await CommitAsync(new CommitEntry.Start(row, [], [], [input])));
        if (!saga.BufferedEvents.IsEmpty)
        {
            await CommitAsync(new CommitEntry.Transition(Rows.Next(row), 1, [], [], [])
            {
                BufferedEvents = [.. saga.BufferedEvents.Select(buffered => EarlyEventRows.ToRow(saga.Facts, buffered))],
            });
        }

        var stored = (await Store.LoadAsync([row.Id], _none))[row.Id];
        return SagaRows.FromRow(_plan, stored.Row, stored.Input, out _) with
        {
            BufferedEvents = [.. stored.BufferedEvents.Select(buffered => EarlyEventRows.ToBuffered(_plan, buffered))],
        };
    }

    private Task<IReadOnlyList<CommitResult>> CommitAsync(CommitEntry entry) => Store.CommitAsync(new CommitBatch([entry], []), _none);

    // The value as text with its types, for comparisons, because CEL's 1, 1u and 1.0 are equal.
    private static string ToExactText(CelValue value) => value.Kind switch
    {
        CelKind.List => $"[{string.Join(", ", value.AsList().Select(ToExactText))}]",
        CelKind.Map =>
            $"{{{string.Join(", ", value.MapValue.Entries.Select(entry => $"{ToExactText(entry.Key)}: {ToExactText(entry.Value)}"))}}}",
        CelKind.Double => $"Double {BitConverter.DoubleToInt64Bits(value.AsDouble()).ToString("x", CultureInfo.InvariantCulture)}",
        CelKind.Bytes => $"Bytes {Convert.ToHexString(value.AsBytes().Span)}",
        CelKind.Timestamp or CelKind.Duration => $"{value.Kind} {value.Bits}.{value.Nanos}",
        _ => $"{value.Kind} {value}",
    };
}

/// <summary>Stored values in PostgreSQL, whose jsonb changes the order of members and the form of numbers.</summary>
public sealed class PostgresStoredValueTests(TestDatabase database) : StoredValueTests, IClassFixture<TestDatabase>
{
    protected override ISagaStore Store { get; } =
        new PostgresSagaStore(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);
}

public sealed class SqliteStoredValueTests(SqliteFile file) : StoredValueTests, IClassFixture<SqliteFile>
{
    protected override ISagaStore Store => file.Get<ISagaStore>();
}
