using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>An event that waits for a state that accepts it.</summary>
/// <param name="MessageId">Its identity.</param>
/// <param name="Event">Its name.</param>
/// <param name="Data">Its payload.</param>
/// <param name="Requester">Who is answered if the event is declined.</param>
/// <param name="ReceivedAt">When it arrived.</param>
/// <param name="ExpiresAt">When it expires.</param>
internal sealed record BufferedEvent(
    MessageId MessageId, string Event, CelValue Data, Requester Requester, DateTimeOffset ReceivedAt, DateTimeOffset ExpiresAt);
