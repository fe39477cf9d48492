using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>Stores results that are too large for a message, which then holds a reference.</summary>
public static class LargeResults
{
    /// <summary>Returns the result as it is sent: whole, or with a reference. Throws <see cref="StoreUnavailableException"/>.</summary>
    /// <param name="payloads">Stores large results.</param>
    /// <param name="result">The result of an attempt.</param>
    /// <param name="owner">Distinguishes different results of one command: the attempt's lease.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static async Task<StepResult> StoreIfLargeAsync(
        this IPayloads payloads, StepResult result, string owner, CancellationToken cancellation)
    {
        if (result.Result is not { Utf8.Length: > MessageSizes.InlineMax } large)
        {
            return result;
        }

        var name = $"result:{result.CommandId}:{owner}";
        var payload = new SagaPayload(Id(result.SagaId, name), result.SagaId, name, large);
        await payloads.SavePayloadsAsync([payload], cancellation);
        return result with { Result = null, ResultRef = payload.Id };
    }

    private static Guid Id(SagaId sagaId, string name)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{sagaId}/{name}"));
        // RFC 9562: version 8 is for application-specific ids.
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true);
    }
}
