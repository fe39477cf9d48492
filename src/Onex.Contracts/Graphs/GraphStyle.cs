namespace Onex.Contracts.Graphs;

/// <summary>The colours of boxes and arrows, and the captions of boxes.</summary>
internal static class GraphStyle
{
    public static (string Fill, string Stroke) For(NodeKind kind) => kind switch
    {
        NodeKind.Start => ("#333333", "#333333"),
        NodeKind.AnyState => ("#f7f7f7", "#888888"),
        NodeKind.Waiting => ("#fff4d6", "#b7791f"),
        NodeKind.Pivot => ("#ece6ff", "#6b46c1"),
        NodeKind.Compensating => ("#ffe8d9", "#c05621"),
        NodeKind.Completed => ("#dcf5e3", "#2f855a"),
        NodeKind.Failed => ("#fde2e2", "#c53030"),
        _ => ("#e6f0fb", "#3a6ea5"),
    };

    public static (string Colour, bool Dashed) For(TransitionKind kind) => kind switch
    {
        TransitionKind.Event => ("#1f6f8b", false),
        TransitionKind.Time => ("#a0660a", true),
        TransitionKind.Failure => ("#c53030", true),
        _ => ("#444444", false),
    };

    /// <summary>The caption of a box; null for an ordinary state, and for a box that is not a state.</summary>
    public static string? Caption(NodeKind kind) => kind switch
    {
        NodeKind.Waiting => "waits",
        NodeKind.Pivot => "pivot",
        NodeKind.Compensating => "compensates",
        NodeKind.Completed => "end: completed",
        NodeKind.Failed => "end: failed",
        _ => null,
    };
}
