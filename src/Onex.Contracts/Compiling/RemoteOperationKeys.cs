using System.Collections.Frozen;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Contracts.Compiling;

/// <summary>
/// The keys of files of operations. The reader, the table of docs/remote-operations.md and the schema for editors all use them.
/// </summary>
internal static class RemoteOperationKeys
{
    public static Keys File { get; } = Create(
        nameof(File), "a file of operations",
        new Key("operations", Shape.MapOf(Shape.Map(() => Operation)), "The operations by name, such as `pricing.quote`", Required: true));

    public static Keys Operation { get; } = Create(
        nameof(Operation), "an operation",
        new Key("description", Shape.Text, "What it does, in one sentence, for editors and documents", Required: false),
        new Key(
            "topic", Shape.Text,
            "The topic of its commands, which your workers read; `ONEX_TOPIC_PREFIX` is put before it. Several operations may share one",
            Required: true),
        new Key(
            "changes_world", Shape.Bool,
            "`true`: steps name it under `effect` and need a compensation. `false`: it only computes or reads; "
                + "steps name it under `compute`, and it may run more than once",
            Required: true),
        new Key(
            "idempotent", Shape.Bool,
            "`true`: running it again has no further effect, even if it does not check `command_id`. The default is `false`",
            Required: false),
        new Key(
            "arguments", Shape.MapOf(Shape.Type), "The types of its arguments by name; one that ends in `?` may be left out",
            Required: false),
        new Key("result", Shape.MapOf(Shape.Type), "The types of the fields of its result, checked when a result arrives", Required: false),
        new Key(
            "timeout", Shape.Duration,
            $"The time limit of an attempt, for steps that set none: {Durations.Format(CallStep.DefaultTimeout)}", Required: false));

    private static Keys Create(string name, string where, params Key[] keys) => new(name, where, keys, FrozenSet<string>.Empty, []);
}
