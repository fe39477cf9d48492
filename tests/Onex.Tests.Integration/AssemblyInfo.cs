// Many tests wait for a broker or a database: a few more side by side than there are cores wait at the same time.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
