using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Orchestrator.Storage;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Sending;

/// <summary>A dead letter's record once more.</summary>
internal static class Redrive
{
    /// <summary>
    /// The record as it was read, to the partition that it was read from, so that a result finds its home and keyed records stay in one place.
    /// Two headers tell that it is sent again, and since when.
    /// </summary>
    /// <param name="letter">The letter, with its value.</param>
    /// <param name="decisionId">The operator's decision.</param>
    /// <param name="at">When it was made.</param>
    public static OutgoingMessage Of(DeadLetterRow letter, Guid decisionId, DateTimeOffset at) => new()
    {
        MessageId = decisionId,
        Topic = letter.Topic,
        Partition = letter.Partition >= 0 ? letter.Partition : null,
        Key = letter.Key ?? "",
        Value = letter.Value ?? throw new ArgumentException("The record's value is not kept.", nameof(letter)),
        Headers = SagaRows.Json(writer =>
        {
            if (letter.Headers is { IsNull: false } headers)
            {
                using var document = JsonDocument.Parse(headers.Utf8);
                foreach (var header in document.RootElement.EnumerateObject())
                {
                    if (header.Name is not (HeaderNames.Redrive or HeaderNames.Timestamp))
                    {
                        header.WriteTo(writer);
                    }
                }
            }

            writer.WriteString(HeaderNames.Timestamp, at);
            writer.WriteString(HeaderNames.Redrive, letter.Id);
        }),
    };
}
