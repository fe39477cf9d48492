using Jint;

namespace Onex.Workers.Sandbox;

/// <summary>
/// Bounds the memory that a script holds. It checks after every 64th statement; the heap of the process bounds what happens in between.
/// </summary>
/// <param name="megabytes">The bound in MiB.</param>
internal sealed class ScriptMemory(int megabytes) : Constraint
{
    // Reading the size of the heap takes time, so it is not read after each statement.
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

        // The size includes garbage, so only the size after a collection counts.
        GC.Collect();
        var held = Held();
        if (held > _limit)
        {
            throw SandboxCodes.Exception(
                SandboxCodes.MemoryExceeded, $"it holds {held >> 20} MiB, more than its {megabytes} MiB");
        }
    }

    private long Held() => GC.GetTotalMemory(forceFullCollection: false) - _before;
}
