using System.Diagnostics;
using OpenTelemetry;

namespace Onex.Hosting.Telemetry;

/// <summary>
/// Exports a span before its children, although it ends after them: a child waits for its parent in this process. If the process is killed,
/// no span is left whose parent was never exported.
/// </summary>
internal sealed class ParentFirstProcessor(params BaseProcessor<Activity>[] exporters) : CompositeProcessor<Activity>(exporters)
{
    private const string Property = "onex.waiting";

    public override void OnStart(Activity data)
    {
        // Set before the span can have children, so that it and they use the same list.
        if (data.IsAllDataRequested)
        {
            data.SetCustomProperty(Property, new WaitingChildren());
        }

        base.OnStart(data);
    }

    public override void OnEnd(Activity data)
    {
        if (data.GetCustomProperty(Property) is not WaitingChildren own)
        {
            base.OnEnd(data);
            return;
        }

        // A parent that is not recorded is never exported, so its children do not wait.
        if (data.Parent is { Recorded: true } parent && parent.GetCustomProperty(Property) is WaitingChildren siblings
            && siblings.TryAdd(data))
        {
            return;
        }

        Export(data, own);
    }

    private void Export(Activity span, WaitingChildren waiting)
    {
        base.OnEnd(span);
        foreach (var child in waiting.Release())
        {
            Export(child, (WaitingChildren)child.GetCustomProperty(Property)!);
        }
    }

    // The children of a span that ended before the span was exported.
    private sealed class WaitingChildren
    {
        private List<Activity>? _children;
        private bool _isReleased;

        public bool TryAdd(Activity child)
        {
            lock (this)
            {
                if (_isReleased)
                {
                    return false;
                }

                (_children ??= []).Add(child);
                return true;
            }
        }

        public List<Activity> Release()
        {
            lock (this)
            {
                _isReleased = true;
                return _children ?? [];
            }
        }
    }
}
