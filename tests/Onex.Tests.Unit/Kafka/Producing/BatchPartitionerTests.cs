using CsCheck;
using Onex.Kafka.Producing;

namespace Onex.Tests.Unit.Kafka.Producing;

public sealed class BatchPartitionerTests
{
    [Fact]
    public void A_batch_goes_to_one_partition_and_the_next_batch_to_another()
    {
        var partitioner = new BatchPartitioner();

        var first = Batch(partitioner, 20, 12);
        var second = Batch(partitioner, 20, 12);

        Assert.Single(first.Distinct());
        Assert.Single(second.Distinct());
        Assert.NotEqual(first[0], second[0]);
    }

    [Fact]
    public void Batches_of_any_size_leave_no_partition_ahead_of_another_by_more_than_a_batch() =>
        Gen.Select(Gen.Int[1, 48], Gen.Int[1, 300].List[1, 60]).Sample((partitions, sizes) =>
        {
            var partitioner = new BatchPartitioner();
            var records = new int[partitions];
            foreach (var partition in sizes.SelectMany(size => Batch(partitioner, size, partitions)))
            {
                records[partition]++;
            }

            Assert.InRange(records.Max() - records.Min(), 0, BatchPartitioner.RecordsMax);
        });

    [Fact]
    public void A_topic_that_gets_more_partitions_or_fewer_uses_all_of_them()
    {
        var partitioner = new BatchPartitioner();
        Batch(partitioner, 5, 12);

        Assert.Equal([0, 1], Enumerable.Range(0, 2).Select(_ => Batch(partitioner, 1, 2)[0]).Order());
        Assert.Equal([0, 1, 2, 3], Enumerable.Range(0, 4).Select(_ => Batch(partitioner, 1, 4)[0]).Order());
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(8, 8)]
    [InlineData(16, 16)]
    [InlineData(40, 14)]
    [InlineData(100, 25)]
    public void A_spread_batch_goes_to_at_most_16_partitions_unless_one_would_get_more_than_four_records(int records, int partitions)
    {
        var partitioner = new BatchPartitioner(isSpread: true);

        for (var i = 0; i < records; i++)
        {
            partitioner.Expect();
        }

        Assert.Equal(partitions, Batch(partitioner, records, 48).Distinct().Count());
    }

    private static int[] Batch(BatchPartitioner partitioner, int records, int partitions)
    {
        int[] chosen = [.. Enumerable.Range(0, records).Select(_ => partitioner.Choose(partitions))];
        partitioner.EndBatch();
        return chosen;
    }
}
