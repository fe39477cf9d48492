// Each test runs several processes on the machine's few cores: side by side they would only make each other late.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
