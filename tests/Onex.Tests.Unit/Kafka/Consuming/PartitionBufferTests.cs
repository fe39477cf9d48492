using Confluent.Kafka;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Onex.Kafka;
using Onex.Kafka.Consuming;
using Onex.Kafka.Records;

namespace Onex.Tests.Unit.Kafka.Consuming;

public sealed class PartitionBufferTests
{
    private const int BatchMax = 3;

    private static readonly KafkaSettings _settings = new()
    {
        BootstrapServers = "unused",
        ClientId = "onex-test",
        BatchMax = BatchMax,
        InFlightMax = 8,
        InFlightBytesMax = 1 << 20,
    };

    // Random assignments, reads, batches, completions and revocations of three partitions, beside a model that keeps lists only.
    [Fact]
    public void Random_call_sequences_keep_the_invariants() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 2], Gen.Int[0, 99]).List[0, 120].Sample(calls =>
        {
            var run = new Run();
            foreach (var (call, partition, choice) in calls)
            {
                run.Do(call, partition, choice);
                run.Check();
            }

            run.CompleteAll();
        });

    [Fact]
    public void A_record_of_an_earlier_assignment_advances_no_offset_of_the_new_one()
    {
        var run = new Run();
        run.Assign(0);
        run.Read(0, gap: 0);
        var late = Assert.Single(run.Buffer.TakeBatch()!);
        run.Revoke(0);
        run.Assign(0);
        run.Read(0, gap: 0);

        run.Buffer.Complete(late.Partition, late.Entry);

        Assert.Empty(run.Buffer.TakeOffsetsToStore());
        Assert.Equal(1, run.Buffer.InFlight);
    }

    [Fact]
    public void A_draining_buffer_drops_unhandled_records_and_waits_for_the_rest()
    {
        var run = new Run();
        run.Assign(0);
        for (var i = 0; i < BatchMax + 2; i++)
        {
            run.Read(0, gap: 0);
        }

        var batch = run.Buffer.TakeBatch()!;
        run.Buffer.Drain();
        run.Read(0, gap: 0);
        Assert.Equal((BatchMax, false), (run.Buffer.InFlight, run.Buffer.IsDrained));
        Assert.Null(run.Buffer.TakeBatch());

        batch.ForEach(record => run.Buffer.Complete(record.Partition, record.Entry));

        Assert.True(run.Buffer.IsDrained);
        Assert.Equal(BatchMax, Assert.Single(run.Buffer.TakeOffsetsToStore()).Offset.Value);
    }

    [Fact]
    public void Abandoned_records_are_not_in_flight_unless_their_outcome_is_being_written()
    {
        var run = new Run();
        run.Assign(0);
        run.Read(0, gap: 0);
        run.Read(0, gap: 0);
        var batch = run.Buffer.TakeBatch()!;
        batch[1].Entry.Complete(RecordOutcome.Handled.Instance);

        run.Buffer.Drain();
        run.Buffer.Abandon(batch);
        Assert.Equal((1, false), (run.Buffer.InFlight, run.Buffer.IsDrained));
        run.Buffer.Complete(batch[1].Partition, batch[1].Entry);

        Assert.True(run.Buffer.IsDrained);
        Assert.Empty(run.Buffer.TakeOffsetsToStore());
    }

    [Fact]
    public void A_full_buffer_resumes_when_half_is_completed()
    {
        var run = new Run();
        run.Assign(0);
        for (var i = 0; i < _settings.InFlightMax; i++)
        {
            run.Read(0, gap: 0);
        }

        var room = run.Buffer.WaitForRoom(0);
        Assert.Equal((0, true, false), (room.Records, room.IsFull, room.IsHalfFree));
        run.Complete(BatchMax);
        room = run.Buffer.WaitForRoom(0);
        Assert.Equal((BatchMax, false, false), (room.Records, room.IsFull, room.IsHalfFree));
        run.Complete(1);
        Assert.True(run.Buffer.WaitForRoom(0).IsHalfFree);
    }

    [Fact]
    public void A_stall_is_reported_when_no_record_is_completed_unless_the_handler_is_busy()
    {
        var run = new Run();
        run.Assign(0);
        run.Read(0, gap: 0);
        run.Clock.Advance(_settings.StalledAfter);
        Assert.Null(run.Buffer.DescribeStall(handlerIsBusy: false));

        run.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(
            "is stalled: of the records read from requests [0] (1) none was completed for 31 s",
            run.Buffer.DescribeStall(handlerIsBusy: false));
        Assert.Null(run.Buffer.DescribeStall(handlerIsBusy: true));
    }

    [Fact]
    public void A_consumer_is_behind_while_unread_records_have_waited_too_long()
    {
        var run = new Run();
        run.Assign(0);
        run.Read(0, gap: 0);
        run.Buffer.NoteEnds(_ => 3);
        run.Clock.Advance(_settings.BehindAfter);
        Assert.Null(run.Buffer.DescribeLag(_ => 5));

        run.Clock.Advance(TimeSpan.FromSeconds(1));
        run.Buffer.NoteEnds(_ => 5);
        Assert.Equal(
            "is behind: records of requests [0] that arrived 61 s ago are not read yet (4 wait)", run.Buffer.DescribeLag(_ => 5));

        // The records that were there at the first note are read. The later ones have not waited for long.
        run.Read(0, gap: 0);
        run.Read(0, gap: 0);
        run.Buffer.NoteEnds(_ => 5);
        Assert.Null(run.Buffer.DescribeLag(_ => 5));
    }

    // A buffer and its model: for each assignment the offsets that were read, and which of them were taken and completed.
    private sealed class Run
    {
        private readonly Dictionary<int, Assignment> _assigned = [];
        private readonly List<BufferedRecord> _late = [];
        private readonly long[] _next = new long[3];
        private bool _draining;

        public Run() => Buffer = new PartitionBuffer(_settings, (_, _, _) => { }, Clock);

        public FakeTimeProvider Clock { get; } = new();

        public PartitionBuffer Buffer { get; }

        public void Do(int call, int partition, int choice)
        {
            switch (call)
            {
                case 0 when !_assigned.ContainsKey(partition):
                    Assign(partition, open: choice % 2 == 0);
                    break;
                case 0 or 1 when _assigned.TryGetValue(partition, out var held):
                    Open(held);
                    break;
                case 2 when choice % 3 == 0 && _assigned.ContainsKey(partition):
                    Revoke(partition);
                    break;
                case 3 when _assigned.ContainsKey(partition):
                    End(partition, choice % 3);
                    break;
                case 4 when choice == 0:
                    Drain();
                    break;
                case 5 or 6:
                    Take();
                    break;
                case 7:
                    Complete(choice % 4);
                    break;
                case 8:
                    Store();
                    break;
                default:
                    Read(partition, choice % 3);
                    break;
            }
        }

        public void Assign(int partition, bool open = true)
        {
            var (added, numbers) = Buffer.Assign([At(partition)], CancellationToken.None);
            Assert.Equal([partition], numbers);
            _assigned[partition] = new Assignment(Assert.Single(added), _next[partition]);
            if (open)
            {
                Open(_assigned[partition]);
            }
        }

        public void Read(int partition, int gap)
        {
            var offset = _next[partition] + gap;
            if (_assigned.TryGetValue(partition, out var assignment) && !_draining)
            {
                assignment.Read.Add(offset);
                _next[partition] = offset + 1;
            }

            Buffer.Add(
            [
                new ConsumeResult<byte[]?, byte[]?>
                {
                    TopicPartitionOffset = new TopicPartitionOffset(At(partition), offset),
                    Message = new Message<byte[]?, byte[]?> { Value = new byte[4] },
                },
            ]);
        }

        // Stores the offsets of all completed records before the revocation, as the consumer does.
        public void Revoke(int partition)
        {
            Store();
            var assignment = _assigned[partition];
            Assert.Equal(assignment.Watermark ?? assignment.First, assignment.Stored ?? assignment.First);
            Assert.Equal([partition], Buffer.Revoke([At(partition)]));
            _late.AddRange(assignment.Taken);
            _assigned.Remove(partition);
            _next[partition] = assignment.Watermark ?? assignment.First;
        }

        public void Complete(int count)
        {
            // Records of revoked assignments change nothing.
            _late.ForEach(record => Buffer.Complete(record.Partition, record.Entry));
            _late.Clear();
            Take();
            var open = _assigned.Values.SelectMany(assignment => assignment.Taken).ToList();
            for (var i = 0; i < count && open.Count > 0; i++)
            {
                var record = open[(i * 7) % open.Count];
                open.Remove(record);
                Buffer.Complete(record.Partition, record.Entry);
                var assignment = _assigned[record.Entry.Record.Partition];
                assignment.Taken.Remove(record);
                assignment.Completed.Add(record.Entry.Record.Offset);
            }
        }

        public void CompleteAll()
        {
            foreach (var assignment in _assigned.Values.ToList())
            {
                Open(assignment);
            }

            while (_assigned.Values.Any(assignment => assignment.Taken.Count > 0) || Take())
            {
                Complete(100);
                Check();
            }

            // Nothing is lost: every record that was read was taken and completed, unless the buffer drained.
            Assert.All(_assigned.Values, assignment => Assert.True(_draining || assignment.Read.Count == assignment.Completed.Count));
            Assert.Equal(0, Buffer.InFlight);
            Assert.Equal(_draining, Buffer.IsDrained);
        }

        public void Check()
        {
            Assert.Equal(_assigned.Values.Sum(assignment => assignment.InFlight(_draining)), Buffer.InFlight);
            Assert.Equal(_assigned.Keys.Order(), Buffer.Assigned.Select(partition => partition.Partition.Value).Order());
        }

        private void Open(Assignment assignment) =>
            Buffer.Open([assignment.Partition], new Dictionary<string, Guid>(), new HashSet<Guid>());

        private void End(int partition, int gap)
        {
            if (_draining)
            {
                return;
            }

            _next[partition] += gap;
            if (_next[partition] - 1 > _assigned[partition].LastRead)
            {
                _assigned[partition].Ends.Add(_next[partition]);
            }

            var end = new TopicPartitionOffset(At(partition), _next[partition]);
            Buffer.Add([new ConsumeResult<byte[]?, byte[]?> { TopicPartitionOffset = end, IsPartitionEOF = true }]);
        }

        private void Drain()
        {
            _draining = true;
            Buffer.Drain();
        }

        private bool Take()
        {
            var batch = Buffer.TakeBatch();
            Assert.Equal(_draining, batch is null);
            Assert.True(batch is null or { Count: <= BatchMax });
            foreach (var record in batch ?? [])
            {
                var assignment = _assigned[record.Entry.Record.Partition];
                Assert.Same(assignment.Partition, record.Partition);
                Assert.Equal(assignment.Read[assignment.TakenCount++], record.Entry.Record.Offset);
                assignment.Taken.Add(record);
            }

            return batch is { Count: > 0 };
        }

        private void Store()
        {
            foreach (var offset in Buffer.TakeOffsetsToStore())
            {
                var assignment = _assigned[offset.Partition.Value];
                Assert.Equal(assignment.Watermark, offset.Offset.Value);
                Assert.True(assignment.Stored is null || assignment.Stored < offset.Offset.Value);
                assignment.Stored = offset.Offset.Value;
            }
        }

        private static TopicPartition At(int partition) => new("requests", partition);
    }

    private sealed class Assignment(AssignedPartition partition, long first)
    {
        public AssignedPartition Partition { get; } = partition;

        public long First { get; } = first;

        public List<long> Read { get; } = [];

        public List<BufferedRecord> Taken { get; } = [];

        public int TakenCount { get; set; }

        public HashSet<long> Completed { get; } = [];

        public List<long> Ends { get; } = [];

        public long? Stored { get; set; }

        public long LastRead => Math.Max(Read.Count > 0 ? Read[^1] : -1, Ends.LastOrDefault() - 1);

        // The offset after the completed prefix. An end of the partition counts once all records before it are completed.
        public long? Watermark
        {
            get
            {
                var open = Read.Where(offset => !Completed.Contains(offset)).Select(offset => (long?)offset).FirstOrDefault();
                var last = Read.Where(offset => open is null || offset < open).Select(offset => (long?)offset + 1).LastOrDefault();
                return Ends.Where(end => open is null || end <= open).Select(end => (long?)end).Append(last).Max();
            }
        }

        public int InFlight(bool draining) => draining ? Taken.Count : Read.Count - Completed.Count;
    }
}
