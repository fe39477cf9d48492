// Many tests wait for a broker or a database, so four run in parallel even on fewer cores.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
