using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>An event that waits for a state that accepts it.</summary>
internal sealed record BufferedEvent(
    MessageId MessageId, string Event, CelValue Data, Requester Requester, DateTimeOffset ReceivedAt, DateTimeOffset ExpiresAt);
