using System.Security.Cryptography;
using System.Text;
using Onex.Operations;

namespace Onex.Workers.Operations;

[Operation("hash.hmac", Description = "Hashes a text with a key (HMAC).")]
internal sealed class HashHmac() : ComputeOperation<HmacArguments, HashResult>(
    ComputeJson.Default.HmacArguments, ComputeJson.Default.HashResult)
{
    protected override ValueTask<HashResult> RunAsync(HmacArguments arguments, ComputeContext context)
    {
        var (key, text) = (Encoding.UTF8.GetBytes(arguments.Key), Encoding.UTF8.GetBytes(arguments.Text));
        var hash = arguments.Algorithm switch
        {
            null or "sha256" => HMACSHA256.HashData(key, text),
            "sha512" => HMACSHA512.HashData(key, text),
            _ => throw ComputeRejectedException.Arguments("'algorithm' must be 'sha256' or 'sha512'"),
        };
        return new(new HashResult { Hex = Convert.ToHexStringLower(hash) });
    }
}

internal sealed record HmacArguments
{
    [Argument("The text. Its UTF-8 bytes are hashed.")]
    public required string Text { get; init; }

    [Argument("The key. Like every argument it is stored with the saga and sent in messages, so it is no place for a secret.")]
    public required string Key { get; init; }

    [Argument("`sha256` or `sha512`.", Default = "sha256")]
    public string? Algorithm { get; init; }
}
