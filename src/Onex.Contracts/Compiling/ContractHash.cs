using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>The identity of a contract's content.</summary>
internal static class ContractHash
{
    /// <summary>
    /// SHA-256 in lower-case hex over the text, then path and text of each file that it refers to in order of path; each with its length in
    /// bytes before it, so that no two contents run together to the same bytes. The contract's own path is no part of it.
    /// </summary>
    public static string Of(ContractSource source)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, source.Text);
        foreach (var (path, text) in source.References.OrderBy(reference => reference.Key, StringComparer.Ordinal))
        {
            Append(hash, path);
            Append(hash, text);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string text)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var utf8 = buffer.AsSpan(0, Encoding.UTF8.GetBytes(text, buffer));
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(length, utf8.Length);
        hash.AppendData(length);
        hash.AppendData(utf8);
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
