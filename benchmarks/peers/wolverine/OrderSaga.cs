using System.Net.Http.Json;
using Wolverine;
using Wolverine.Persistence.Sagas;

public sealed record StartOrder([property: SagaIdentity] string OrderId, string Note);
public sealed record Reserve([property: SagaIdentity] string OrderId);
public sealed record Reserved([property: SagaIdentity] string OrderId, string Reservation);
public sealed record Charge([property: SagaIdentity] string OrderId, string Reservation);
public sealed record Charged([property: SagaIdentity] string OrderId);
public sealed record OrderDone(string OrderId, string Reservation);

/// <summary>The order: two calls of the echo service, one after the other.</summary>
public sealed class OrderSaga : Saga
{
    public string Id { get; set; } = "";

    public string Note { get; set; } = "";

    public string Reservation { get; set; } = "";

    public static (OrderSaga Saga, Reserve Command) Start(StartOrder order) =>
        (new() { Id = order.OrderId, Note = order.Note }, new(order.OrderId));

    public Charge Handle(Reserved reserved)
    {
        Reservation = reserved.Reservation;
        return new(Id, Reservation);
    }

    public OrderDone Handle(Charged _)
    {
        MarkCompleted();
        return new(Id, Reservation);
    }
}

/// <summary>The calls of the echo service.</summary>
public static class EchoHandler
{
    public static async Task<Reserved> Handle(Reserve command, HttpClient echo, CancellationToken stop) =>
        new(command.OrderId, await PostAsync(echo, "/reservations", new { order = command.OrderId }, stop));

    public static async Task<Charged> Handle(Charge command, HttpClient echo, CancellationToken stop)
    {
        await PostAsync(echo, "/charges", new { order = command.OrderId, reservation = command.Reservation }, stop);
        return new(command.OrderId);
    }

    private static async Task<string> PostAsync(HttpClient echo, string path, object body, CancellationToken stop)
    {
        using var response = await echo.PostAsJsonAsync(path, body, stop);
        return (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<Answer>(stop))!.Id;
    }

    private sealed record Answer(string Id);
}
