using System.Globalization;
using Onex.Operations;

namespace Acme.Shipping;

[Operation("shipping.quote", Description = "Computes the price of a shipment.", Rejections = "too_heavy")]
public sealed class Quote : Compute<QuoteArguments, QuoteResult>
{
    protected override Task<QuoteResult> RunAsync(QuoteArguments arguments, ComputeContext context, CancellationToken cancellation)
    {
        var price = 0m;
        for (var i = 0; i < arguments.Grams.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (arguments.Grams[i] > 30_000)
            {
                throw new OperationRejectedException("too_heavy", $"Parcel {i} has {arguments.Grams[i]} g, and 30000 g are allowed.");
            }

            price += 2.50m + 0.001m * arguments.Grams[i];
            context.ReportProgress((double)(i + 1) / arguments.Grams.Count, $"parcel {i + 1}");
        }

        return Task.FromResult(new QuoteResult { Price = price.ToString("0.00", CultureInfo.InvariantCulture) });
    }
}

public sealed record QuoteArguments
{
    [Argument("The weight of each parcel in grams.")]
    public required IReadOnlyList<int> Grams { get; init; }
}

public sealed record QuoteResult
{
    [Result("The price in euros, as a decimal number.")]
    public required string Price { get; init; }
}
