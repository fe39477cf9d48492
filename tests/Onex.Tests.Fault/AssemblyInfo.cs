// Each test runs several processes on the machine's few cores: in parallel they would only slow each other down.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
