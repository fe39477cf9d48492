using Onex.Benchmarks.EndToEnd;

return args switch
{
    ["e2e", .. var options] => await EndToEndBenchmark.RunAsync(EndToEndOptions.Parse(options)),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        ./dev bench e2e [--requests N] [--warmup N] [--in-flight N] [--only echo|effects]

        e2e   an order of 3 transitions and 6 messages: against an echo in place of runtime-effects, and through real effects with the ledger
        """);
    return 2;
}
