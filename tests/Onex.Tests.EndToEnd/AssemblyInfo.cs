using Onex.Tests.EndToEnd.Support;

// Each test runs several processes on the machine's few cores, and waits most of its time: a few side by side wait at the same time.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
[assembly: TestCollectionOrderer(typeof(LongestFirst))]
