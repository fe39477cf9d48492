namespace Onex.Orchestrator.Background;

/// <summary>What metrics need to know about the home partitions of this orchestrator.</summary>
internal interface IHomeState
{
    /// <summary>Whether this orchestrator has the first partition. Only the one that has it measures the whole store.</summary>
    bool HasFirstPartition { get; }

    /// <summary>The number of sagas of the home partitions whose timer was overdue at the last sweep.</summary>
    int OverdueTimers { get; }
}
