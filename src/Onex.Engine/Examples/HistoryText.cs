using System.Text.Json;
using System.Text.RegularExpressions;

namespace Onex.Engine.Examples;

/// <summary>The history of a saga as one line, to explain why an example fails.</summary>
internal static partial class HistoryText
{
    private const int NotesMax = 24;

    /// <summary>The line, as the remedy of a diagnostic.</summary>
    public static string Remedy(IReadOnlyList<HistoryNote> history)
    {
        var notes = history.Select(Describe).OfType<string>().ToList();
        var shown = notes.Count > NotesMax ? notes.TakeLast(NotesMax).Prepend("...") : notes;
        return $"What happened: {string.Join("; ", shown)}.";
    }

    /// <summary>Where a saga is, as a phrase that follows "the saga".</summary>
    public static string Whereabouts(SagaState saga) => saga switch
    {
        { EndedAt: not null } => $"has ended in '{saga.State}'",
        { Blockage: not null } => $"is blocked in '{saga.State}': {WithoutId(saga.BlockedBecause ?? "", saga).TrimEnd('.')}",
        { WaitingFor.IsEmpty: false } => $"waits in '{saga.State}' for the event {string.Join(" or ", saga.WaitingFor)}",
        _ => $"waits in '{saga.State}'",
    };

    /// <summary>The step for which the example scripts no result, if an error text says so; else null.</summary>
    public static string? Unscripted(string text) =>
        MissingScript().Match(text) is { Success: true } match ? match.Groups["step"].Value : null;

    /// <summary>An error of the engine without the saga's id, which means nothing in an example.</summary>
    public static string WithoutId(string text, SagaState saga) =>
        text.Replace($"saga {saga.Facts.SagaId}", "the saga", StringComparison.Ordinal)
            .Replace($"Saga {saga.Facts.SagaId}", "the saga", StringComparison.Ordinal)
            .TrimEnd('.');

    private static string? Describe(HistoryNote note) => note.Kind switch
    {
        HistoryKind.StateEntered => note.State,
        HistoryKind.StepCompleted => $"{note.Step} completed",
        HistoryKind.StepRejected => $"{note.Step} rejected ({Detail(note, "code")})",
        HistoryKind.AttemptFailed => $"{note.Step} failed ({Detail(note, "code")}: {Detail(note, "message")?.TrimEnd('.')})",
        HistoryKind.StepCancelled => $"{note.Step} cancelled",
        HistoryKind.CompensationCompleted => $"{note.Step} compensated",
        HistoryKind.EventAccepted => $"event {Detail(note, "event")}",
        HistoryKind.EventBuffered => $"event {Detail(note, "event")} buffered",
        HistoryKind.EventDeclined => $"event {Detail(note, "event")} declined ({Detail(note, "code")})",
        HistoryKind.Faulted => $"fault {Detail(note, "code")} ({Detail(note, "message")?.TrimEnd('.')})",
        HistoryKind.Blocked => $"blocked ({Detail(note, "reason")?.TrimEnd('.')})",
        HistoryKind.Responded => $"{note.Step} responded",
        _ => null,
    };

    private static string? Detail(HistoryNote note, string name)
    {
        if (note.Detail is not { } detail)
        {
            return null;
        }

        using var json = JsonDocument.Parse(detail.Utf8);
        return json.RootElement.TryGetProperty(name, out var value) ? value.ToString() : null;
    }

    [GeneratedRegex("script the result of step '(?<step>[^']+)'", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex MissingScript();
}
