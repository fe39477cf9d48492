using Spectre.Console;

namespace Onex.Demo;

/// <summary>Shows the orders' states: a live table on a terminal, otherwise a line per change that it sees.</summary>
internal sealed class Screen(TextWriter output, bool isTerminal)
{
    private readonly IAnsiConsole _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
    private readonly Dictionary<string, string> _shown = [];

    public void Say(string line) => output.WriteLine(line);

    /// <summary>Shows the orders until <paramref name="advance"/> says that all have ended.</summary>
    public async Task FollowAsync(Func<Task<(IReadOnlyList<Saga> Sagas, bool Done)>> advance)
    {
        if (!isTerminal)
        {
            await UntilDoneAsync(advance, ShowChanges);
            return;
        }

        await _console.Live(Table([])).StartAsync(live => UntilDoneAsync(advance, sagas =>
        {
            live.UpdateTarget(Table(sagas));
            live.Refresh();
        }));
    }

    private static async Task UntilDoneAsync(Func<Task<(IReadOnlyList<Saga> Sagas, bool Done)>> advance, Action<IReadOnlyList<Saga>> show)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        do
        {
            var (sagas, done) = await advance();
            show(sagas);
            if (done)
            {
                return;
            }
        }
        while (await tick.WaitForNextTickAsync());
    }

    private void ShowChanges(IReadOnlyList<Saga> sagas)
    {
        foreach (var saga in sagas)
        {
            var now = $"{saga.State} ({saga.Status})";
            if (_shown.GetValueOrDefault(saga.Order) != now)
            {
                _shown[saga.Order] = now;
                output.WriteLine($"  {saga.Order,-28} {now}");
            }
        }
    }

    private static Table Table(IReadOnlyList<Saga> sagas)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("order", "what is special", "state", "status");
        foreach (var saga in sagas)
        {
            table.AddRow(
                new Text(saga.Order),
                new Text(OrderKind.For(saga.Order).Story, new Style(Color.Grey)),
                new Text(saga.State),
                new Text(saga.Status, new Style(Colour(saga))));
        }

        return table;
    }

    private static Color Colour(Saga saga) => saga.Status switch
    {
        "completed" => Color.Green,
        "failed" or "cancelled" => Color.Yellow,
        "compensating" => Color.Orange1,
        "waiting" or "paused" => Color.Blue,
        "blocked" => Color.Red,
        _ => Color.Default,
    };
}
