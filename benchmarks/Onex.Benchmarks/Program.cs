using Onex.Benchmarks.Contracts;
using Onex.Benchmarks.EndToEnd;
using Onex.Benchmarks.Flat;
using Onex.Benchmarks.Isolation;
using Onex.Benchmarks.Items;
using Onex.Benchmarks.Limits;
using Onex.Benchmarks.Report;
using Onex.Benchmarks.Sandbox;
using Onex.Benchmarks.Store;
using Onex.Benchmarks.Timers;
using Onex.Benchmarks.Workers;

return args switch
{
    ["contracts"] => ContractsBenchmark.Run(),
    ["e2e", .. var options] => await EndToEndBenchmark.RunAsync(EndToEndOptions.Parse(options)),
    ["flat", .. var options] => await FlatBenchmark.RunAsync(options),
    ["isolation", .. var options] => await IsolationBenchmark.RunAsync(options),
    ["items", .. var options] => await ItemsBenchmark.RunAsync(options),
    ["limits", .. var options] => await LimitsBenchmark.RunAsync(options),
    ["report", .. var options] => await PerformanceReport.RunAsync(options),
    ["sandbox", .. var options] => await SandboxBenchmark.RunAsync(options),
    ["store", .. var options] => await StoreBenchmark.RunAsync(options),
    ["timers", .. var options] => await TimersBenchmark.RunAsync(options),
    ["workers", .. var options] => await WorkersBenchmark.RunAsync(options),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        ./dev bench contracts
        ./dev bench e2e [--only echo|effects] [--build FOLDER] [--against FOLDER] [--telemetry] [--orchestrators N] [--rounds N]
                        [--requests N] [--warmup N] [--in-flight N] [--rate-seconds N]
        ./dev bench flat [--only CASE] [--rounds N] [--requests N] [--warmup N] [--ended N] [--waiting N]
        ./dev bench isolation [--rate N] [--seconds N] [--rounds N] [--parked N]
        ./dev bench items [--items N]
        ./dev bench limits [--seconds N]
        ./dev bench report [--against FOLDER] [--only TEXT]
        ./dev bench sandbox [--seconds N] [--program ONEX]
        ./dev bench store [--rounds N] [--sagas N]
        ./dev bench timers [--parked N]
        ./dev bench workers [--only throughput|shares|takeover|empty|sagas] [--rounds N] [--commands N] [--against FOLDER]

        contracts  the cost of a guard (time, allocation), and how long a thousand contracts take to compile
        e2e        an order of 3 transitions and 6 messages: against an echo in place of runtime-effects, and through real effects with
                   the ledger; --against a checkout or publish folder: that build in turn with this one, medians and ratios;
                   --telemetry: this build without telemetry, with 1 % and with 100 % of the traces in turn, medians and ratios;
                   --orchestrators: as many of them in turn with one alone
        flat       the same orders with full tables, 48 and 96 partitions, 1,000 contracts and two orchestrators, beside none of these
        isolation  what a connection that hangs costs two others: throughput and latency, without and with it; then the memory of
                   runtime-effects with many parked commands
        items      the cost of the number of items of an each: time, memory, the saga's row
        limits     one limit of three effects processes, counted at the service, and after one of them was killed
        report     runs the commands that docs/performance.md names, and writes their output into it; --only: those that contain a text;
                   --against: the folder of the build to compare with
        sandbox    the processes of scripts and modules: start, memory, empty runs a second; --program: a published executable
        store      the commits of sagas alone: CPU, rows and write-ahead log per transition with 1, 25 and 200 sagas in a commit
        timers     the cost of a million long-waiting sagas for the running ones: commits and sweeps, without and with them
        workers    the throughput of computes with 1, 2 and 4 workers, how 8 workers share 4, 12 and 48 partitions, evenly and behind a
                   long compute, how long a kill delays, an empty compute beside an echo and beside another build (--against), and
                   sagas of two such computes beside an echo
        """);
    return 2;
}
