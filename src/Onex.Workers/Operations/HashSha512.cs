using System.Security.Cryptography;
using System.Text;
using Onex.Operations;

namespace Onex.Workers.Operations;

[Operation("hash.sha512", Description = "Hashes a text with SHA-512.")]
internal sealed class HashSha512() : ComputeOperation<HashArguments, HashResult>(
    ComputeJson.Default.HashArguments, ComputeJson.Default.HashResult)
{
    protected override ValueTask<HashResult> RunAsync(HashArguments arguments, ComputeContext context) =>
        new(new HashResult { Hex = Convert.ToHexStringLower(SHA512.HashData(Encoding.UTF8.GetBytes(arguments.Text))) });
}
