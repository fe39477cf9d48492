// Each test runs several processes on the machine's few cores, and waits most of its time: two side by side wait at the same time.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
