using System.Security.Cryptography;
using System.Text;
using Onex.Operations;

namespace Onex.Workers.Operations;

[Operation("hash.sha256", Description = "Hashes a text with SHA-256.")]
internal sealed class HashSha256() : ComputeOperation<HashArguments, HashResult>(
    ComputeJson.Default.HashArguments, ComputeJson.Default.HashResult)
{
    protected override ValueTask<HashResult> RunAsync(HashArguments arguments, ComputeContext context) =>
        new(new HashResult { Hex = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(arguments.Text))) });
}

internal sealed record HashArguments
{
    [Argument("The text. Its UTF-8 bytes are hashed.")]
    public required string Text { get; init; }
}

internal sealed record HashResult
{
    [Result("The hash: hexadecimal digits in lower case, 64 of a SHA-256 and 128 of a SHA-512.")]
    public required string Hex { get; init; }
}
