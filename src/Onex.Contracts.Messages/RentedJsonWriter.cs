using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Onex.Contracts.Messages;

/// <summary>
/// A JSON writer over a buffer that the thread keeps, so that a small document allocates only its own bytes. It must be disposed on the
/// thread that rented it.
/// </summary>
public readonly ref struct RentedJsonWriter : IDisposable
{
    // A larger buffer is left to the garbage collector, because the thread would keep it for ever.
    private const int KeptBytesMax = 64 * 1024;

    [ThreadStatic]
    private static Buffered? _idle;

    private readonly Buffered _buffered;

    private RentedJsonWriter(Buffered buffered) => _buffered = buffered;

    /// <summary>Does not escape for HTML, because the text is never HTML, and does not check the structure of what is written.</summary>
    public static JsonWriterOptions Options { get; } = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>The writer of the document.</summary>
    public Utf8JsonWriter Writer => _buffered.Writer;

    /// <summary>An empty writer. A second one may be rented before the first is disposed.</summary>
    public static RentedJsonWriter Rent()
    {
        var buffered = _idle ?? new Buffered();
        _idle = null;
        return new RentedJsonWriter(buffered);
    }

    /// <summary>A copy of the written bytes.</summary>
    public RawJson ToJson()
    {
        Writer.Flush();
        return new RawJson(_buffered.Bytes.WrittenSpan.ToArray());
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_buffered.Bytes.Capacity <= KeptBytesMax)
        {
            _buffered.Writer.Reset();
            _buffered.Bytes.ResetWrittenCount();
            _idle = _buffered;
        }
    }

    private sealed class Buffered
    {
        public Buffered() => Writer = new Utf8JsonWriter(Bytes, Options);

        public ArrayBufferWriter<byte> Bytes { get; } = new(1024);

        public Utf8JsonWriter Writer { get; }
    }
}
