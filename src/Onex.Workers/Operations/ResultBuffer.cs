using System.Buffers;

namespace Onex.Workers.Operations;

/// <summary>Collects the bytes of a result, and rejects the step as soon as they exceed the limit.</summary>
/// <param name="max">The maximum number of bytes.</param>
internal sealed class ResultBuffer(int max) : IBufferWriter<byte>
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

    public void Advance(int count)
    {
        // Checked before anything changes: a writer that is disposed of after the exception calls this again.
        if (_bytes.WrittenCount > max - count)
        {
            throw ComputeRejectedException.TooLarge();
        }

        _bytes.Advance(count);
    }

    public Memory<byte> GetMemory(int sizeHint = 0) => _bytes.GetMemory(sizeHint);

    public Span<byte> GetSpan(int sizeHint = 0) => _bytes.GetSpan(sizeHint);
}
