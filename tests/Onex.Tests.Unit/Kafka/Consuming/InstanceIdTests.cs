using Onex.Kafka.Consuming;

namespace Onex.Tests.Unit.Kafka.Consuming;

/// <summary>The names by which processes stay members of a consumer group across restarts (<c>group.instance.id</c>).</summary>
public sealed class InstanceIdTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("onex-instances-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Each_process_of_a_group_has_its_own_name_and_a_new_process_takes_that_of_an_ended_one()
    {
        using var first = Take("workers");
        var second = Take("workers");
        using var third = Take("workers");
        using var other = Take("others");
        Assert.Equal(
            ["host_1-0", "host_1-1", "host_1-2", "host_1-0"],
            new[] { first, second, third, other }.Select(instance => instance!.Value));

        second!.Dispose();

        using var successor = Take("workers");
        Assert.Equal("host_1-1", successor!.Value);
    }

    [Fact]
    public void Without_a_folder_there_is_no_name() => Assert.Null(InstanceId.Take("workers", Path.Combine(_folder, "missing"), "host"));

    private InstanceId? Take(string group) => InstanceId.Take(group, _folder, "host 1");
}
