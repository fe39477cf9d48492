using Onex.Tests.EndToEnd.Support;

// Each test runs several processes on the machine's few cores, but waits most of the time: a few tests run in parallel.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
[assembly: TestCollectionOrderer(typeof(LongestFirst))]
