using Jint;

namespace Onex.Workers.Sandbox;

/// <summary>
/// Bounds what a script holds. It looks between statements; one statement that allocates much is bounded by the heap of the process.
/// </summary>
/// <param name="megabytes">The bound.</param>
internal sealed class ScriptMemory(int megabytes) : Constraint
{
    // Reading the size of the heap costs less than a statement, but not nothing.
    private const int StatementsBetween = 64;

    private readonly long _limit = megabytes * 1024L * 1024;
    private long _before;
    private int _statements;

    public override void Reset() => _before = GC.GetTotalMemory(forceFullCollection: false);

    public override void Check()
    {
        if (++_statements % StatementsBetween != 0 || Held() <= _limit)
        {
            return;
        }

        // The size counts what is not used any more and was not collected yet.
        GC.Collect();
        if (Held() is var held && held > _limit)
        {
            throw SandboxCodes.Exception(
                SandboxCodes.MemoryExceeded, $"it holds {held >> 20} MiB, more than its {megabytes} MiB");
        }
    }

    private long Held() => GC.GetTotalMemory(forceFullCollection: false) - _before;
}
