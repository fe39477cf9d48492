using System.Net;
using Onex.Effects.Operations;

namespace Onex.Effects.Http;

/// <summary>A request of an attempt. Over HTTP/1.1 it is sent at most once, because only the orchestrator decides about retries.</summary>
internal sealed class AttemptRequest(HttpMethod method, Uri address, AttemptProgress progress) : HttpRequestMessage(method, address)
{
    private SendingStream? _stream;

    public AttemptProgress Progress { get; } = progress;

    /// <summary>The instance of the connection's service that the request goes to, or null.</summary>
    public DnsEndPoint? Instance { get; private set; }

    /// <summary>Directs the request to this instance. The service's name stays in the Host header and in TLS.</summary>
    public void DirectTo(DnsEndPoint instance)
    {
        Headers.Host ??= RequestUri!.Host;
        Instance = instance;
        RequestUri = new UriBuilder(RequestUri!) { Host = instance.Host, Port = instance.Port }.Uri;
    }

    /// <summary>Call before a socket is opened for the request.</summary>
    /// <exception cref="RequestAlreadySentException">The request was sent already.</exception>
    public void RequireUnsent()
    {
        if (Volatile.Read(ref _stream) is not null)
        {
            throw new RequestAlreadySentException();
        }
    }

    /// <summary>Call before bytes of the request are written to a socket.</summary>
    /// <exception cref="RequestAlreadySentException">The request was sent over another socket.</exception>
    public void MarkSent(SendingStream stream)
    {
        if (Interlocked.CompareExchange(ref _stream, stream, null) is { } first && first != stream)
        {
            throw new RequestAlreadySentException();
        }

        Progress.MarkSent();
    }
}

/// <summary>
/// The handler was about to send a request again, because its socket closed without a response. The handler does not retry after an
/// exception of this type, unlike after an <see cref="IOException"/>.
/// </summary>
internal sealed class RequestAlreadySentException() : InvalidOperationException("The request has been sent already.");

/// <summary>The stream of a socket, which notifies the attempt before the first byte of its request is sent.</summary>
internal sealed class SendingStream(Stream inner) : Stream
{
    private static readonly AsyncLocal<AttemptRequest?> _sender = new();

    /// <summary>The request that the current async flow sends.</summary>
    public static AttemptRequest? Sender
    {
        set => _sender.Value = value;
    }

    public override bool CanRead => inner.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => inner.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override int Read(Span<byte> buffer) => inner.Read(buffer);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        inner.ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.ReadAsync(buffer, cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count)
    {
        _sender.Value?.MarkSent(this);
        inner.Write(buffer, offset, count);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _sender.Value?.MarkSent(this);
        inner.Write(buffer);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        _sender.Value?.MarkSent(this);
        return inner.WriteAsync(buffer, offset, count, cancellationToken);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _sender.Value?.MarkSent(this);
        return inner.WriteAsync(buffer, cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
