using Onex.Contracts.Messages;

namespace Onex.Persistence.Sagas;

/// <summary>Stores results that are too large for a message, which then holds a reference.</summary>
public static class LargeResults
{
    /// <summary>Returns the result as it is sent: whole, or with a reference. Throws <see cref="StoreUnavailableException"/>.</summary>
    /// <param name="payloads">Where large results are stored.</param>
    /// <param name="result">The result of an attempt.</param>
    /// <param name="owner">Distinguishes different results of one command. Of an effect, the lease; a constant if all are the same.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static async Task<StepResult> StoreIfLargeAsync(
        this IPayloads payloads, StepResult result, string owner, CancellationToken cancellation)
    {
        if (result.Result is not { Utf8.Length: > MessageSizes.InlineMax } large)
        {
            return result;
        }

        var name = $"result:{result.CommandId}:{owner}";
        var payload = new SagaPayload(Identity.LargeResult(result.SagaId, name), result.SagaId, name, large);
        await payloads.SavePayloadsAsync([payload], cancellation);
        return result with { Result = null, ResultRef = payload.Id };
    }
}
