namespace Onex.Orchestrator.Background;

/// <summary>What metrics need to know about the home partitions of this orchestrator.</summary>
internal interface IHomeState
{
    /// <summary>Whether this orchestrator has the first partition: it alone measures what concerns the whole store.</summary>
    bool HasFirst { get; }

    /// <summary>Sagas of these partitions that should have been woken long ago, as of the last sweep.</summary>
    int Overdue { get; }
}
