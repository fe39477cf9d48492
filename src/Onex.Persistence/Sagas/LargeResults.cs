using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>Results that are too large to travel are stored, and a reference travels.</summary>
public static class LargeResults
{
    /// <summary>The most bytes of JSON that travel inside a message.</summary>
    public const int InlineBytesMax = 64 * 1024;

    /// <summary>The result as it may travel. Throws <see cref="StoreUnavailableException"/>.</summary>
    /// <param name="store">Where large ones are kept.</param>
    /// <param name="result">What came of an attempt.</param>
    /// <param name="owner">Tells apart those that may have different results for the same command: an attempt's lease.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static async Task<StepResult> StoreIfLargeAsync(
        this ISagaStore store, StepResult result, string owner, CancellationToken cancellation)
    {
        if (result.Result is not { Utf8.Length: > InlineBytesMax } large)
        {
            return result;
        }

        var name = $"result:{result.CommandId}:{owner}";
        var payload = new SagaPayload(Id(result.SagaId, name), result.SagaId, name, large);
        await store.SavePayloadsAsync([payload], cancellation);
        return result with { Result = null, ResultRef = payload.Id };
    }

    private static Guid Id(SagaId sagaId, string name)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{sagaId}/{name}"));
        // RFC 9562: version 8 is for ids that are derived in one's own way.
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true);
    }
}
