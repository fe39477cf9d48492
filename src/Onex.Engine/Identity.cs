using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>
/// Deterministic ids, so that every redelivery, retry and copy of the same thing gets the same id. A UUID of version 8 over the first 128
/// bits of a SHA-256; the parts are length-prefixed so that no two lists of parts hash alike.
/// </summary>
internal static class Identity
{
    /// <summary>
    /// A command: saga, step path, visit of the state, item index. A retry pass above 0 means that an operator retried it after a final
    /// answer.
    /// </summary>
    public static CommandId Command(SagaId sagaId, string stepPath, int visit, int item = 0, int retryPass = 0) => new(Sorted(
        sagaId.Value,
        retryPass == 0
            ? Derive("command", Text(sagaId), stepPath, visit.ToString(), item.ToString())
            : Derive("command", Text(sagaId), stepPath, visit.ToString(), item.ToString(), retryPass.ToString())));

    /// <summary>The compensation of a command.</summary>
    public static CommandId Compensation(CommandId commandId, int retryPass = 0) => new(Sorted(
        commandId.Value,
        retryPass == 0
            ? Derive("compensate", Text(commandId))
            : Derive("compensate", Text(commandId), retryPass.ToString())));

    /// <summary>A transition: saga, the version it makes, the message that caused it.</summary>
    public static Guid Transition(SagaId sagaId, long version, MessageId causedBy) =>
        Derive("transition", Text(sagaId), version.ToString(), Text(causedBy));

    /// <summary>An outgoing message: the n-th of a transition.</summary>
    public static MessageId Message(Guid transitionId, int ordinal) =>
        new(Derive("message", transitionId.ToString("N"), ordinal.ToString()));

    /// <summary>A value that is stored apart from its row: saga and name.</summary>
    public static Guid Payload(SagaId sagaId, string name) => Sorted(sagaId.Value, Derive("payload", Text(sagaId), name));

    /// <summary>
    /// A request without an envelope id: the position and the bytes of its record. Offsets start again when a topic is created again, hence
    /// the topic's id and the bytes.
    /// </summary>
    public static MessageId Request(string topic, Guid? topicId, int partition, long offset, ReadOnlySpan<byte> value) => new(Sorted(
        new Guid((uint)(partition & 0xFF) << 24 | (uint)(offset >> 16 & 0xFFFFFF), (ushort)(offset & 0xFFFF), 0, 0, 0, 0, 0, 0, 0, 0, 0),
        Derive(
            "request", topic, topicId?.ToString("N") ?? "", partition.ToString(), offset.ToString(),
            Convert.ToHexString(SHA256.HashData(value)))));

    /// <summary>The request that a contract's schedule creates at a time.</summary>
    public static MessageId Scheduled(string contract, DateTimeOffset due) => new(Derive("schedule", contract, due.UtcTicks.ToString()));

    /// <summary>A result: the command, its attempt and the outcome. A copy has the same id.</summary>
    public static MessageId Result(CommandId commandId, int attempt, string outcome) =>
        new(Derive("result", Text(commandId), attempt.ToString(), outcome));

    /// <summary>A wake-up of a saga at a time.</summary>
    public static MessageId Wakeup(SagaId sagaId, DateTimeOffset at) => new(Derive("wakeup", Text(sagaId), at.UtcTicks.ToString()));

    /// <summary>
    /// Something that belongs to a request and has no id of its own: a generated correlation id, the answer to a rejected request.
    /// </summary>
    public static Guid OfRequest(MessageId requestId, string what) => Derive(what, Text(requestId));

    /// <summary>A number from 0 up to, but not including, 1. It is always the same for the same command and attempt.</summary>
    public static double Fraction(CommandId commandId, int attempt)
    {
        Span<byte> bytes = stackalloc byte[16];
        Derive("jitter", Text(commandId), attempt.ToString()).TryWriteBytes(bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]) / (uint.MaxValue + 1.0);
    }

    private static string Text<TId>(TId id)
        where TId : struct, IId<TId> => id.Value.ToString("N");

    // The hash with what sorts by age in front: the first 48 bits of the ids of the saga and of its commands, which are a time, or the
    // partition and the offset. Such ids are inserted at the ends of the database's indexes, while random ones change any page of them.
    private static Guid Sorted(Guid owner, Guid hash)
    {
        Span<byte> bytes = stackalloc byte[16];
        Span<byte> time = stackalloc byte[16];
        hash.TryWriteBytes(bytes, bigEndian: true, out _);
        owner.TryWriteBytes(time, bigEndian: true, out _);
        time[..6].CopyTo(bytes);
        return new Guid(bytes, bigEndian: true);
    }

    private static Guid Derive(params ReadOnlySpan<string> parts)
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

    /// <summary>The id that is derived from a hash.</summary>
    public static Guid FromDigest(IncrementalHash hash)
    {
        Span<byte> digest = stackalloc byte[32];
        hash.GetHashAndReset(digest);
        digest[6] = (byte)((digest[6] & 0x0F) | 0x80);
        digest[8] = (byte)((digest[8] & 0x3F) | 0x80);
        return new Guid(digest[..16], bigEndian: true);
    }
}
