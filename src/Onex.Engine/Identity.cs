using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Onex.Engine;

/// <summary>
/// What is the same thing twice: ids that are derived, so that every redelivery, retry and copy gets the same one. A UUID of version 8
/// over the first 128 bits of a SHA-256, with the parts length-prefixed so that no two lists of parts read alike.
/// </summary>
internal static class Identity
{
    /// <summary>
    /// A command: saga, step path, visit of the state, item index. A round above 0 is one that an operator asked for after a final answer.
    /// </summary>
    public static Guid Command(Guid sagaId, string stepPath, int visit, int item = 0, int round = 0) => round == 0
        ? Of("command", sagaId.ToString("N"), stepPath, visit.ToString(), item.ToString())
        : Of("command", sagaId.ToString("N"), stepPath, visit.ToString(), item.ToString(), round.ToString());

    /// <summary>The compensation of a command.</summary>
    public static Guid Compensation(Guid commandId, int round = 0) => round == 0
        ? Of("compensate", commandId.ToString("N"))
        : Of("compensate", commandId.ToString("N"), round.ToString());

    /// <summary>A transition: saga, the version it makes, the message that caused it.</summary>
    public static Guid Transition(Guid sagaId, long version, Guid causedBy) =>
        Of("transition", sagaId.ToString("N"), version.ToString(), causedBy.ToString("N"));

    /// <summary>An outgoing message: the n-th of a transition.</summary>
    public static Guid Message(Guid transitionId, int ordinal) => Of("message", transitionId.ToString("N"), ordinal.ToString());

    /// <summary>A value that is stored apart from its row: saga and name.</summary>
    public static Guid Payload(Guid sagaId, string name) => Of("payload", sagaId.ToString("N"), name);

    /// <summary>
    /// A request without an envelope id: where its record stands and what it holds. Offsets begin again when a topic is made anew, hence the
    /// topic's id and the bytes.
    /// </summary>
    public static Guid Request(string topic, Guid? topicId, int partition, long offset, ReadOnlySpan<byte> value) =>
        Of("request", topic, topicId?.ToString("N") ?? "", partition.ToString(), offset.ToString(), Convert.ToHexString(SHA256.HashData(value)));

    /// <summary>The request that a contract's schedule makes at a time.</summary>
    public static Guid Scheduled(string contract, DateTimeOffset due) => Of("schedule", contract, due.UtcTicks.ToString());

    /// <summary>A result: the command's attempt and what came of it. A copy of it has the same.</summary>
    public static Guid Result(Guid commandId, int attempt, string outcome) => Of("result", commandId.ToString("N"), attempt.ToString(), outcome);

    /// <summary>A wake-up of a saga at a time.</summary>
    public static Guid Wakeup(Guid sagaId, DateTimeOffset at) => Of("wakeup", sagaId.ToString("N"), at.UtcTicks.ToString());

    /// <summary>Something that belongs to a request and has no id of its own: a made-up correlation id, the answer to a refused one.</summary>
    public static Guid OfRequest(Guid requestId, string what) => Of(what, requestId.ToString("N"));

    /// <summary>A number from 0 up to, but not including, 1 that is always the same for the same command and attempt.</summary>
    public static double Fraction(Guid commandId, int attempt)
    {
        Span<byte> bytes = stackalloc byte[16];
        Of("jitter", commandId.ToString("N"), attempt.ToString()).TryWriteBytes(bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]) / (uint.MaxValue + 1.0);
    }

    private static Guid Of(params ReadOnlySpan<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[4];
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        return FromDigest(hash);
    }

    /// <summary>The id over what a hash has taken in.</summary>
    public static Guid FromDigest(IncrementalHash hash)
    {
        Span<byte> digest = stackalloc byte[32];
        hash.GetHashAndReset(digest);
        digest[6] = (byte)((digest[6] & 0x0F) | 0x80);
        digest[8] = (byte)((digest[8] & 0x3F) | 0x80);
        return new Guid(digest[..16], bigEndian: true);
    }
}
