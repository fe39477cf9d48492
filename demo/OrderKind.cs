namespace Onex.Demo;

/// <summary>
/// The scenario of an order, and how it must end. Its name is part of the order's id, so that a later run can continue it.
/// </summary>
/// <param name="Name">The last part of the order's id.</param>
/// <param name="Story">The scenario in words.</param>
/// <param name="Ending">The response's code on an error, else its status.</param>
internal sealed record OrderKind(string Name, string Story, string Ending)
{
    /// <summary>The card is declined.</summary>
    public static OrderKind Declined { get; } = new("declined", "the card is declined", "card_declined");

    /// <summary>The card has expired; the customer sends another one.</summary>
    public static OrderKind NewCard { get; } = new("newcard", "waits for another card, then completes", "success");

    /// <summary>The card has expired, and the customer cancels the order.</summary>
    public static OrderKind GivenUp { get; } = new("givenup", "waits for another card, then is cancelled", "cancel");

    /// <summary>The customer cancels while the card is being charged.</summary>
    public static OrderKind Regretted { get; } = new("regretted", "cancelled while the card is charged", "cancel");

    /// <summary>Services answer 503 at first.</summary>
    public static OrderKind Flaky { get; } = new("flaky", "each service answers 503 twice", "success");

    private static OrderKind Plain { get; } = new("plain", "completes without faults", "success");

    private static OrderKind[] All { get; } = [Plain, Flaky, Declined, NewCard, GivenUp, Regretted];

    /// <summary>The scenario of an order by its id.</summary>
    public static OrderKind For(string order) =>
        Array.Find(All, kind => order.EndsWith("-" + kind.Name, StringComparison.Ordinal)) ?? Plain;

    /// <summary>The ids of the orders of a run.</summary>
    public static IReadOnlyList<string> Orders(string run) =>
    [
        .. Enumerable.Repeat(Plain, 9).Concat(Enumerable.Repeat(Flaky, 3)).Concat(Enumerable.Repeat(Declined, 3))
            .Concat(Enumerable.Repeat(NewCard, 2)).Concat([GivenUp]).Concat(Enumerable.Repeat(Regretted, 2))
            .Select((kind, index) => $"{run}-{index + 1:00}-{kind.Name}"),
    ];
}
