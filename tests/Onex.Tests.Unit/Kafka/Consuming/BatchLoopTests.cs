using Confluent.Kafka;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Onex.Kafka;
using Onex.Kafka.Consuming;
using Onex.Kafka.Records;

namespace Onex.Tests.Unit.Kafka.Consuming;

/// <summary>The loop between a buffer and a handler whose batches end when the test ends them.</summary>
public sealed class BatchLoopTests
{
    private const int BatchMax = 4;

    private static readonly TimeSpan _soon = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_second_batch_is_given_while_the_first_is_handled_but_no_third()
    {
        var run = new Run(records: 3 * BatchMax);
        var (first, second) = (await run.NextAsync(), await run.NextAsync());
        await run.LoopHasLookedAsync();
        Assert.Equal(2, run.Running);

        first.Succeed();
        var third = await run.NextAsync();

        Assert.Equal([0, 4, 8], new[] { first, second, third }.Select(batch => batch.Offsets[0]));
        second.Succeed();
        third.Succeed();
        await run.StopAsync();
        Assert.Equal(3 * BatchMax, run.Watermark);
    }

    [Fact]
    public async Task A_small_batch_beside_a_running_one_waits_and_grows()
    {
        var run = new Run(records: BatchMax);
        var first = await run.NextAsync();
        run.Add(1);
        await run.LoopHasLookedAsync();
        Assert.Equal(1, run.Running);

        run.Add(1);

        Assert.Equal([4, 5], (await run.NextAsync()).Succeed());
        run.Add(1);
        await run.LoopHasLookedAsync();
        first.Succeed();
        Assert.Equal([6], (await run.NextAsync()).Succeed());
        await run.StopAsync();
    }

    [Fact]
    public async Task After_a_failure_both_batches_are_given_again_in_order_one_at_a_time_without_finished_records()
    {
        var run = new Run(records: 2 * BatchMax);
        var (first, second) = (await run.NextAsync(), await run.NextAsync());
        first.Complete(0);
        second.Complete(5);
        first.Fail();
        second.Fail();

        var retried = await run.NextAsync();
        Assert.Equal([1, 2, 3, 4], retried.Offsets);
        Assert.Equal(1, run.Running);
        Assert.True(run.Loop.IsFailing);
        Assert.Null(run.Loop.DescribeFailure(TimeSpan.FromHours(1)));
        Assert.Contains("and tries again: ", run.Loop.DescribeFailure(TimeSpan.FromTicks(-1)), StringComparison.Ordinal);
        retried.Fail();
        Assert.Equal([1, 2, 3, 4], (await run.NextAsync()).Succeed());
        Assert.Equal([6, 7], (await run.NextAsync()).Succeed());

        await run.StopAsync();
        Assert.Equal((2 * BatchMax, false), (run.Watermark, run.Loop.IsFailing));
        Assert.Null(run.Loop.DescribeFailure(TimeSpan.FromTicks(-1)));
    }

    [Fact]
    public async Task The_records_of_a_batch_that_succeeded_beside_a_failed_one_are_not_given_again()
    {
        var run = new Run(records: 2 * BatchMax);
        var (first, second) = (await run.NextAsync(), await run.NextAsync());

        // Its outcomes follow later, as those of dead letters do.
        second.Accept();
        first.Fail();

        Assert.Equal([0, 1, 2, 3], (await run.NextAsync()).Succeed());
        run.Add(1);
        Assert.Equal([8], (await run.NextAsync()).Succeed());
        Assert.Equal(BatchMax, run.Watermark);
        second.Complete(4, 5, 6, 7);
        await run.StopAsync();
    }

    [Fact]
    public async Task A_later_batch_that_fails_is_given_again_after_the_earlier_one_has_succeeded()
    {
        var run = new Run(records: 3 * BatchMax);
        var (first, second) = (await run.NextAsync(), await run.NextAsync());
        second.Fail();
        Assert.Equal(1, run.Running);

        first.Succeed();

        Assert.Equal([4, 5, 6, 7], (await run.NextAsync()).Succeed());
        Assert.Equal([8, 9, 10, 11], (await run.NextAsync()).Succeed());
        await run.StopAsync();
    }

    [Fact]
    public async Task A_failed_batch_whose_records_all_finish_before_its_retry_ends_the_pause()
    {
        var run = new Run(records: BatchMax);
        var batch = await run.NextAsync();
        batch.Complete(batch.Offsets);
        batch.Fail();
        await run.LoopHasLookedAsync();
        Assert.False(run.Loop.IsFailing);
        Assert.Contains("Information: endpoint: resumed.", run.Log.All);
        await run.StopAsync();
    }

    [Fact]
    public async Task A_batch_that_does_not_fit_into_memory_is_halved_without_a_pause()
    {
        var run = new Run(records: 2 * BatchMax);
        var (first, second) = (await run.NextAsync(), await run.NextAsync());
        first.Fail(new InsufficientMemoryException());
        second.Fail(new InsufficientMemoryException());

        Assert.Equal([0, 1], (await run.NextAsync()).Succeed());
        Assert.Equal([2, 3, 4, 5], (await run.NextAsync()).Succeed());
        Assert.Equal([6, 7], (await run.NextAsync()).Succeed());
        Assert.False(run.Loop.IsFailing);
        await run.StopAsync();
    }

    [Fact]
    public async Task A_stop_waits_for_both_batches_and_gives_no_other()
    {
        var run = new Run(records: 3 * BatchMax);
        var (first, second) = (await run.NextAsync(), await run.NextAsync());
        var stopping = run.StopAsync();
        Assert.False(stopping.IsCompleted);

        second.Succeed();
        first.Succeed();

        await stopping;
        Assert.Equal((2 * BatchMax, 0, true), (run.Watermark, run.Abandoned, run.Buffer.IsDrained));
    }

    [Fact]
    public async Task A_batch_that_fails_while_the_endpoint_stops_is_abandoned_and_its_offsets_stay()
    {
        var run = new Run(records: 2 * BatchMax);
        var (first, second) = (await run.NextAsync(), await run.NextAsync());
        first.Complete(0);
        var stopping = run.StopAsync();
        first.Fail();
        second.Succeed();

        await stopping;
        Assert.Equal((1, 1, true), (run.Watermark, run.Abandoned, run.Buffer.IsDrained));
    }

    // The loop reads the state of a batch more than once in a pass. Signals keep it busy, so that some batches fail between two reads.
    [Fact]
    public void A_batch_is_given_again_whenever_in_a_pass_of_the_loop_it_fails()
    {
        var run = new Run(records: 0);
        for (var offset = 0L; offset < 2_000; offset++)
        {
            run.Add(1);
            run.NextWhileSignalling().Fail();
            Assert.Equal([offset], run.NextWhileSignalling().Succeed());
        }
    }

    // Random arrivals, ends of batches and stops. For each batch, Run checks that at most two are handled at a time, that no accepted
    // record is given again, and that no record with a lower offset waits. After a failure, batches may skip records: they fail too,
    // until Retrying.
    [Fact]
    public async Task In_any_schedule_each_record_is_accepted_once_and_in_order() =>
        await Gen.Select(Gen.Int[0, 9], Gen.Int[0, 5]).List[0, 60].SampleAsync(
            async calls =>
            {
                var run = new Run(records: 0);
                foreach (var (call, choice) in calls)
                {
                    run.Do(call, choice);
                    await Task.Yield();
                }

                await run.FinishAsync(stop: calls.Count % 3 == 0);
            },
            iter: 300,
            threads: 2);

    private sealed class Run : IRecordBatchHandler
    {
        private readonly FakeTimeProvider _clock = new();
        private readonly AssignedPartition _partition;
        private readonly Task _running;
        private readonly Lock _lock = new();
        private readonly List<Batch> _batches = [];
        private readonly HashSet<long> _accepted = [];
        private readonly List<string> _violations = [];
        private bool _hasFailed;
        private int _returned;
        private int _next;
        private int _looks;
        private int _abandoned;

        public Run(int records)
        {
            var settings = new KafkaSettings
            {
                BootstrapServers = "unused",
                ClientId = "onex-test",
                BatchMax = BatchMax,
                InFlightMax = 1_000,
                InFlightBytesMax = 1 << 20,
            };
            Buffer = new PartitionBuffer(settings, (partition, entry, _) => Buffer!.Complete(partition, entry), _clock);
            Loop = new BatchLoop(
                "endpoint", Buffer, this, settings, () => Interlocked.Increment(ref _abandoned), _clock, Log);
            _partition = Assert.Single(Buffer.Assign([new TopicPartition("requests", 0)], CancellationToken.None).Partitions);
            Buffer.Open([_partition], new Dictionary<string, Guid>(), new HashSet<Guid>());
            Add(records);
            _running = Task.Run(() => Loop.RunAsync(CancellationToken.None));
        }

        public PartitionBuffer Buffer { get; }

        public BatchLoop Loop { get; }

        public LogLines<BatchLoop> Log { get; } = new();

        public int Abandoned => _abandoned;

        public long Watermark => _partition.Tracker.Watermark ?? 0;

        public int Running => Locked(() => _batches.Count(batch => !batch.HasEnded));

        // The loop reads this each time before it looks for another batch.
        public int BatchesAtOnce
        {
            get
            {
                Interlocked.Increment(ref _looks);
                return 2;
            }
        }

        public void Add(int records)
        {
            Buffer.Add([.. Enumerable.Range(0, records).Select(_ => new ConsumeResult<byte[]?, byte[]?>
            {
                TopicPartitionOffset = new TopicPartitionOffset("requests", 0, _next++),
                Message = new Message<byte[]?, byte[]?> { Value = new byte[4] },
            })]);
            Loop.Signal();
        }

        public Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation)
        {
            lock (_lock)
            {
                var added = new Batch(this, batch);
                Check(added.Offsets);
                if (_hasFailed)
                {
                    return Task.FromException(new InvalidOperationException("an earlier batch has failed"));
                }

                _batches.Add(added);
                return added.Handling;
            }
        }

        public void Retrying() => Locked(() => _hasFailed = false);

        public Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation) => Task.CompletedTask;

        public void Revoked(IReadOnlyCollection<int> partitions)
        {
        }

        // Returns the next batch. Advances the clock, because a failed batch is given again after a wait.
        public async Task<Batch> NextAsync()
        {
            Batch? next = null;
            await UntilAsync(() => Locked(() => (next = _batches.ElementAtOrDefault(_returned)) is not null), "no batch is given");
            _returned++;
            return next!;
        }

        public Batch NextWhileSignalling()
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            Batch? next;
            while ((next = Locked(() => _batches.ElementAtOrDefault(_returned))) is null)
            {
                Loop.Signal();
                _clock.Advance(TimeSpan.FromSeconds(1));
                Assert.True(clock.Elapsed < _soon, "no batch is given");
            }

            _returned++;
            return next;
        }

        // Waits until the loop has looked for another batch after everything that the test has done.
        public async Task LoopHasLookedAsync()
        {
            var before = Volatile.Read(ref _looks);
            for (var i = 1; i <= 2; i++)
            {
                Loop.Signal();
                await UntilAsync(() => Volatile.Read(ref _looks) >= before + i, "the loop does not look for a batch");
            }
        }

        public async Task StopAsync()
        {
            Buffer.Drain();
            Loop.Stop();
            await UntilAsync(() => _running.IsCompleted, "the loop does not end");
            await _running;
            Assert.Empty(_violations);
        }

        // Calls 0 to 4 add records; calls 5 to 9 complete one record of a batch, fail the batch, or both, or let it succeed.
        public void Do(int call, int choice)
        {
            if (call < 5)
            {
                Add(choice);
                return;
            }

            var open = Locked(() => _batches.Where(batch => !batch.HasEnded).ToList());
            if (open.Count > 0)
            {
                End(open[choice % open.Count], call, choice);
            }
        }

        public async Task FinishAsync(bool stop)
        {
            var stopping = stop ? StopAsync() : Task.CompletedTask;
            await UntilAsync(
                () =>
                {
                    Locked(() => _batches.Where(batch => !batch.HasEnded).ToList()).ForEach(batch => batch.Succeed());
                    return stop ? stopping.IsCompleted : Locked(() => _accepted.Count == _next && _batches.TrueForAll(b => b.HasEnded));
                },
                "not all records are accepted");
            await stopping;
            await StopAsync();
            Assert.True(Buffer.IsDrained);
            Assert.Equal(Enumerable.Range(0, _next).TakeWhile(offset => _accepted.Contains(offset)).Count(), Watermark);
        }

        private static void End(Batch batch, int call, int choice)
        {
            switch (call)
            {
                case 5 when choice == 0:
                    batch.Fail(new InsufficientMemoryException());
                    break;
                case 6:
                    batch.Complete(batch.Offsets[choice % batch.Offsets.Count]);
                    batch.Fail();
                    break;
                case 7:
                    batch.Complete(batch.Offsets[choice % batch.Offsets.Count]);
                    break;
                default:
                    batch.Succeed();
                    break;
            }
        }

        private void Check(IReadOnlyList<long> offsets)
        {
            var running = _batches.Where(batch => !batch.HasEnded).ToList();
            var handled = running.SelectMany(batch => batch.Offsets).ToHashSet();
            Expect(running.Count < 2, "a third batch is given");
            Expect(offsets.Order().SequenceEqual(offsets), "records are out of order");
            Expect(!offsets.Any(_accepted.Contains), "an accepted record is given again");
            Expect(!offsets.Any(handled.Contains), "a record is in two batches");
            var before = Enumerable.Range(0, (int)offsets[^1]).Select(offset => (long)offset);
            Expect(
                _hasFailed || before.All(offset => _accepted.Contains(offset) || handled.Contains(offset) || offsets.Contains(offset)),
                "an earlier record waits");

            void Expect(bool condition, string violation)
            {
                if (!condition)
                {
                    _violations.Add($"{violation}: {string.Join(' ', offsets)}");
                }
            }
        }

        private async Task UntilAsync(Func<bool> condition, string failure)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            while (!condition())
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                Assert.True(clock.Elapsed < _soon, failure);
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
            }
        }

        private T Locked<T>(Func<T> read)
        {
            lock (_lock)
            {
                return read();
            }
        }

        public sealed class Batch(Run run, IReadOnlyList<BatchEntry> entries)
        {
            private readonly TaskCompletionSource _handling = new(TaskCreationOptions.RunContinuationsAsynchronously);

            public IReadOnlyList<long> Offsets { get; } = [.. entries.Select(entry => entry.Record.Offset)];

            public Task Handling => _handling.Task;

            public bool HasEnded => Handling.IsCompleted;

            public void Complete(params IEnumerable<long> offsets)
            {
                lock (run._lock)
                {
                    foreach (var entry in entries.Where(entry => offsets.Contains(entry.Record.Offset)))
                    {
                        run._accepted.Add(entry.Record.Offset);
                        entry.Complete(RecordOutcome.Handled.Instance);
                    }
                }
            }

            // The handler takes the records, and completes them later.
            public void Accept()
            {
                lock (run._lock)
                {
                    run._accepted.UnionWith(Offsets);
                    _handling.SetResult();
                }
            }

            public IReadOnlyList<long> Succeed()
            {
                Complete(Offsets);
                Accept();
                return Offsets;
            }

            public void Fail(Exception? failure = null)
            {
                lock (run._lock)
                {
                    run._hasFailed = true;
                    _handling.SetException(failure ?? new InvalidOperationException("the store cannot be reached"));
                }
            }
        }
    }
}
