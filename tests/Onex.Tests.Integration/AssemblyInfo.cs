// Many tests wait for a broker or a database, so a few more tests than cores run in parallel.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
