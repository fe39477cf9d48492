using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace Onex.Contracts.Messages;

/// <summary>
/// Deterministic ids, so that every redelivery, retry and copy of the same thing gets the same id: UUIDs made from a SHA-256, of version 8
/// (RFC 9562, for application-specific ids) except those of <see cref="Saga"/> and <see cref="DeadLetter"/>.
/// </summary>
public static class Identity
{
    /// <summary>
    /// A command: saga, step path, visit of the state, item index. A retry pass above 0 means that an operator retried its step or branch
    /// under a new key.
    /// </summary>
    public static CommandId Command(SagaId sagaId, string stepPath, int visit, int item = 0, int retryPass = 0) => new(Sorted(
        sagaId.Value,
        retryPass == 0
            ? Derive($"command{sagaId.Value}{stepPath}{visit}{item}")
            : Derive($"command{sagaId.Value}{stepPath}{visit}{item}{retryPass}")));

    /// <summary>
    /// A saga that a record or a schedule starts. If the record is read again, even after the database was restored to an earlier state,
    /// the id is the same, so that commands keep their ids and effects their idempotency keys. It has the form of a UUID of version 7.
    /// </summary>
    /// <param name="milliseconds">The time of the record, or the due time, since 1970.</param>
    /// <param name="origin">The id that is derived from the record's position, or from the schedule and the time.</param>
    public static SagaId Saga(long milliseconds, Guid origin)
    {
        Span<byte> bytes = stackalloc byte[16];
        Span<byte> time = stackalloc byte[sizeof(long)];
        origin.TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(time, milliseconds << 16);
        time[..6].CopyTo(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x70);
        return new SagaId(new Guid(bytes, bigEndian: true));
    }

    /// <summary>The compensation of a command.</summary>
    public static CommandId Compensation(CommandId commandId, int retryPass = 0) => new(Sorted(
        commandId.Value,
        retryPass == 0
            ? Derive($"compensate{commandId.Value}")
            : Derive($"compensate{commandId.Value}{retryPass}")));

    /// <summary>A transition: saga, the version it makes, the message that caused it.</summary>
    public static Guid Transition(SagaId sagaId, long version, MessageId causedBy) =>
        Derive($"transition{sagaId.Value}{version}{causedBy.Value}");

    /// <summary>An outgoing message: the n-th of a transition.</summary>
    public static MessageId Message(Guid transitionId, int ordinal) => new(Derive($"message{transitionId}{ordinal}"));

    /// <summary>A value that is stored apart from its row: saga and name.</summary>
    public static Guid Payload(SagaId sagaId, string name) => Sorted(sagaId.Value, Derive($"payload{sagaId.Value}{name}"));

    /// <summary>
    /// A request without an envelope id: the position and the bytes of its record. The topic's id and the bytes are included because
    /// offsets start again when a topic is created again.
    /// </summary>
    public static MessageId Request(string topic, Guid? topicId, int partition, long offset, ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(value, hash);
        Span<char> hex = stackalloc char[2 * SHA256.HashSizeInBytes];
        Convert.TryToHexString(hash, hex, out _);
        var age = new Guid(
            (uint)(partition & 0xFF) << 24 | (uint)(offset >> 16 & 0xFFFFFF), (ushort)(offset & 0xFFFF), 0, 0, 0, 0, 0, 0, 0, 0, 0);
        return new(Sorted(age, Derive($"request{topic}{topicId}{partition}{offset}{hex}")));
    }

    /// <summary>The request that a contract's schedule creates at a time.</summary>
    public static MessageId Scheduled(string contract, DateTimeOffset due) => new(Derive($"schedule{contract}{due.UtcTicks}"));

    /// <summary>A result that a saga handles: the command, its attempt and the outcome. A copy has the same id.</summary>
    public static MessageId Result(CommandId commandId, int attempt, string outcome) =>
        new(Derive($"result{commandId.Value}{attempt}{outcome}"));

    /// <summary>A wake-up of a saga at a time.</summary>
    public static MessageId Wakeup(SagaId sagaId, DateTimeOffset at) => new(Derive($"wakeup{sagaId.Value}{at.UtcTicks}"));

    /// <summary>
    /// Something that belongs to a request and has no id of its own: a generated correlation id, the answer to a rejected request.
    /// </summary>
    public static Guid OfRequest(MessageId requestId, string what) => Derive($"{what}{requestId.Value}");

    /// <summary>The message that carries the result of an attempt. Every copy of the result has the same.</summary>
    public static MessageId ResultMessage(CommandId commandId, int attempt)
    {
        Span<byte> bytes = stackalloc byte[20];
        commandId.Value.TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(bytes[16..], attempt);
        return new(From(bytes));
    }

    /// <summary>The message that carries a report; the number counts the reports of one run.</summary>
    public static MessageId ReportMessage(CommandId commandId, int attempt, Guid run, int number) =>
        new(Derive($"report{commandId.Value}{attempt}{run}{number}"));

    /// <summary>A result that is too large for its message.</summary>
    public static Guid LargeResult(SagaId sagaId, string name) => From(Encoding.UTF8.GetBytes($"{sagaId}/{name}"));

    /// <summary>The id of something that a record causes and that has no id of its own: the same whenever the record is read.</summary>
    public static Guid OfRecord(string purpose, string topic, Guid? topicId, int partition, long offset) => From(
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{purpose}\n{topic}\n{topicId:N}\n{partition}\n{offset}")));

    /// <summary>The index entry of a record's dead letter. It has no UUID version, because stored entries have this form.</summary>
    public static Guid DeadLetter(string topic, Guid? topicId, int partition, long offset)
    {
        var position = string.Create(CultureInfo.InvariantCulture, $"{topic}\n{topicId}\n{partition}\n{offset}");
        return new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(position)).AsSpan(0, 16), bigEndian: true);
    }

    /// <summary>A number from 0 up to, but not including, 1. It is always the same for the same command and attempt.</summary>
    public static double Fraction(CommandId commandId, int attempt)
    {
        Span<byte> bytes = stackalloc byte[16];
        Derive($"jitter{commandId.Value}{attempt}").TryWriteBytes(bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]) / (uint.MaxValue + 1.0);
    }

    /// <summary>The home partition of a saga that no record starts.</summary>
    public static int HomePartition(SagaId sagaId, int partitions)
    {
        Span<byte> bytes = stackalloc byte[16];
        sagaId.Value.TryWriteBytes(bytes, bigEndian: true, out _);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, digest);
        return (int)(BinaryPrimitives.ReadUInt32BigEndian(digest) % (uint)partitions);
    }

    /// <summary>The id that is derived from a hash. Overwrites the bits of the version and the variant in it.</summary>
    public static Guid FromDigest(Span<byte> digest)
    {
        digest[6] = (byte)((digest[6] & 0x0F) | 0x80);
        digest[8] = (byte)((digest[8] & 0x3F) | 0x80);
        return new Guid(digest[..16], bigEndian: true);
    }

    private static Guid From(ReadOnlySpan<byte> bytes)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, digest);
        return FromDigest(digest);
    }

    // The hash after the first 48 bits of the owner: a time, or a partition and an offset. Ids that sort by age are inserted at the ends of
    // the database's indexes, while random ones change any page of them.
    private static Guid Sorted(Guid owner, Guid hash)
    {
        Span<byte> bytes = stackalloc byte[16];
        Span<byte> age = stackalloc byte[16];
        hash.TryWriteBytes(bytes, bigEndian: true, out _);
        owner.TryWriteBytes(age, bigEndian: true, out _);
        age[..6].CopyTo(bytes);
        return new Guid(bytes, bigEndian: true);
    }

    private static Guid Derive(ref Parts parts)
    {
        var id = From(parts.Written);
        parts.Return();
        return id;
    }

    // The literals and values of an interpolated text, each prefixed by its length so that no two lists of parts hash alike. Allocates
    // nothing.
    [InterpolatedStringHandler]
    private ref struct Parts(int literalLength, int formattedCount)
    {
        private byte[] _bytes = ArrayPool<byte>.Shared.Rent(literalLength + (formattedCount * 64));
        private int _length;

        public readonly ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

        public void AppendLiteral(string text) => AppendFormatted(text.AsSpan());

        public void AppendFormatted(scoped ReadOnlySpan<char> text) =>
            Encoding.UTF8.GetBytes(text, Part(Encoding.UTF8.GetByteCount(text)));

        public void AppendFormatted(Guid? id)
        {
            var part = Part(id is null ? 0 : 32);
            id?.TryFormat(part, out _, "N");
        }

        public void AppendFormatted(long number)
        {
            Span<char> digits = stackalloc char[20];
            number.TryFormat(digits, out var written, provider: CultureInfo.InvariantCulture);
            AppendFormatted(digits[..written]);
        }

        public readonly void Return() => ArrayPool<byte>.Shared.Return(_bytes);

        private Span<byte> Part(int length)
        {
            if (_bytes.Length - _length < sizeof(int) + length)
            {
                var larger = ArrayPool<byte>.Shared.Rent(2 * (_length + sizeof(int) + length));
                Written.CopyTo(larger);
                Return();
                _bytes = larger;
            }

            BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(_length), length);
            _length += sizeof(int) + length;
            return _bytes.AsSpan(_length - length, length);
        }
    }
}
