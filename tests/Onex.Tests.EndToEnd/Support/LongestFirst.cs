using Onex.Tests.EndToEnd.Events;
using Onex.Tests.EndToEnd.Health;
using Onex.Tests.EndToEnd.Orchestrators;
using Onex.Tests.EndToEnd.Orders;
using Onex.Tests.EndToEnd.Scheduling;
using Onex.Tests.EndToEnd.Starting;
using Xunit.Sdk;
using Xunit.v3;

namespace Onex.Tests.EndToEnd.Support;

/// <summary>
/// Orders classes so that the slowest start first, and no slow class runs alone at the end. xunit queues all classes at once in this order.
/// Each thread of the pool takes its first class from the front of the queue, and all others from its back.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    // This many classes of the list are put at the front of the queue. The others are put at its back, the slowest last.
    private const int FrontCount = 2;

    private static readonly List<string> _longest =
    [
        .. new[]
        {
            typeof(ScheduleTests), typeof(ReadyTests), typeof(WaitingTests), typeof(VersionTests), typeof(UnreadableSagaTests),
            typeof(FixturesTests),
            typeof(StoreAndBusTests),
        }.Select(type => type.FullName!),
    ];

    /// <inheritdoc />
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(
            collection => Place(collection.TestCollectionDisplayName)).ThenBy(collection => collection.UniqueID, StringComparer.Ordinal)];

    // xunit names the collection of a class after it, followed by a number.
    private static int Place(string collection) =>
        _longest.FindIndex(name => $"{collection} ".Contains($" {name} ", StringComparison.Ordinal)) switch
        {
            < 0 => 0,
            < FrontCount and var index => index - FrontCount,
            var index => _longest.Count - index,
        };
}
