using System.Net;
using System.Net.Http.Json;
using Onex.Operations;

namespace Acme.Shipping;

[Operation(
    "shipping.create_label", Description = "Orders a label from the carrier.", ConnectionType = "http", ChangesWorld = true,
    Rejections = "address_unknown")]
public sealed class CreateLabel : Effect<LabelArguments, LabelResult>
{
    protected override async Task<EffectOutcome<LabelResult>> RunAsync(
        LabelArguments arguments, EffectContext context, CancellationToken cancellation)
    {
        var body = new { address = arguments.Address, reference = context.IdempotencyKey };
        using var response = await context.Connection.Http.PostAsJsonAsync("labels", body, cancellation);
        if (response.StatusCode == HttpStatusCode.UnprocessableEntity)
        {
            return Refused("address_unknown", "The carrier does not know the address.");
        }

        response.EnsureSuccessStatusCode();
        return Completed((await response.Content.ReadFromJsonAsync<LabelResult>(cancellation))!);
    }
}

public sealed record LabelArguments
{
    [Argument("The address of the receiver.")]
    public required string Address { get; init; }
}

public sealed record LabelResult
{
    [Result("The tracking number.")]
    public required string Tracking { get; init; }
}
