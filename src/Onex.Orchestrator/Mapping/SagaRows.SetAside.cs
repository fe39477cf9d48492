using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Mapping;

/// <summary>Rows that cannot be read.</summary>
internal static partial class SagaRows
{
    /// <summary>
    /// The row of an unreadable saga, blocked with the reason. Everything else is unchanged, so that a version of Onex that can read it, or
    /// an operator who repairs it, finds everything.
    /// </summary>
    public static SagaRow ToSetAside(SagaRow row, string reason, Guid transitionId, DateTimeOffset now) => row with
    {
        Status = SagaStatus.Blocked,
        Progress = WithBlockage(row.Progress, reason, now),
        Version = row.Version + 1,
        LastTransitionId = transitionId,
        UpdatedAt = now > row.UpdatedAt ? now : row.UpdatedAt,
        NextWakeupAt = null,
        Parked = true,
    };

    // Changes only the fields that people read and the mark of a blocked saga. Progress that is not a JSON object is unchanged.
    private static RawJson WithBlockage(RawJson progress, string reason, DateTimeOffset now)
    {
        using var document = JsonDocument.Parse(progress.Utf8, ValueJson.Reading);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            return progress;
        }

        return Json(writer =>
        {
            foreach (
                var member in document.RootElement.EnumerateObject().Where(member => member.Name is not ("blocked" or "blocked_because")))
            {
                member.WriteTo(writer);
            }

            writer.WriteString("blocked_because", reason);
            WriteArray(writer, "blocked", [new Blockage(BlockedBy.Handling, null, null, 0, now, reason)], WriteBlockage);
        });
    }
}
