using Onex.Operations;

namespace Acme.Faulty;

/// <summary>Arguments as they should be.</summary>
public sealed record Arguments
{
    [Argument("A text.")]
    public string? Text { get; init; }
}

/// <summary>A result as it should be.</summary>
public sealed record Answer
{
    [Result("A text.")]
    public string? Text { get; init; }
}

/// <summary>An argument without its attribute.</summary>
public sealed record Undescribed
{
    /// <summary>A text.</summary>
    public string? Text { get; init; }
}

/// <summary>An argument of a type that contracts do not have.</summary>
public sealed record Untyped
{
    [Argument("A time.")]
    public DateTime At { get; init; }
}

/// <summary>A record that contains itself.</summary>
public sealed record Nested
{
    [Argument("Itself.")]
    public Nested? Inner { get; init; }
}

/// <summary>Base class of the faults, and no operation itself.</summary>
/// <typeparam name="T">The arguments.</typeparam>
public abstract class Fault<T> : Compute<T, Answer>
    where T : class
{
    protected override Task<Answer> RunAsync(T arguments, ComputeContext context, CancellationToken cancellation) =>
        Task.FromResult(new Answer());
}

/// <summary>A class without [Operation].</summary>
public sealed class NoAttribute : Fault<Arguments>;

/// <summary>A class without the base class of operations.</summary>
[Operation("acme.no_base", Description = "No base class.")]
public sealed class NoBase;

/// <param name="text">Not a service, so the host cannot pass it.</param>
[Operation("acme.no_constructor", Description = "A constructor that nobody can call.")]
public sealed class NoConstructor(string text) : Fault<Arguments>
{
    /// <summary>The text.</summary>
    public string Text { get; } = text;
}

[Operation("acme.no_compute", Description = "A compute that changes the world.", ChangesWorld = true)]
public sealed class NoCompute : Fault<Arguments>;

[Operation("acme.no_connection", Description = "A connection of an unknown type.", ConnectionType = "smtp")]
public sealed class NoConnection : Effect<Arguments, Answer>
{
    protected override Task<EffectOutcome<Answer>> RunAsync(
        Arguments arguments, EffectContext context, CancellationToken cancellation) => Task.FromResult(Completed(new Answer()));
}

/// <summary>An argument without [Argument].</summary>
[Operation("acme.no_argument", Description = "No [Argument].")]
public sealed class NoArgument : Fault<Undescribed>;

/// <summary>An argument of a type that contracts do not have.</summary>
[Operation("acme.no_type", Description = "No type of contracts.")]
public sealed class NoType : Fault<Untyped>;

/// <summary>Arguments that contain themselves without end.</summary>
[Operation("acme.no_end", Description = "No end.")]
public sealed class NoEnd : Fault<Nested>;

/// <summary>A name without a dot.</summary>
[Operation("NoDot", Description = "No dot.")]
public sealed class NoDot : Fault<Arguments>;

[Operation("http.trace", Description = "A prefix of built-in operations.")]
public sealed class NoPrefix : Fault<Arguments>;

[Operation("acme.same", Description = "A name that another class has.")]
public sealed class Same1 : Fault<Arguments>;

[Operation("acme.same", Description = "A name that another class has.")]
public sealed class Same2 : Fault<Arguments>;

[Operation("acme.no_start", Description = "A constructor that throws.")]
public sealed class NoStart : Fault<Arguments>
{
    /// <summary>Throws.</summary>
    public NoStart() => throw new InvalidOperationException("there is no licence file");
}

[Operation("acme.no_statics", Description = "A static constructor that throws.")]
public sealed class NoStatics : Fault<Arguments>
{
    private static readonly string _prices = Read();

    /// <summary>The prices.</summary>
    public string Prices { get; } = _prices;

    private static string Read() => throw new InvalidOperationException("there is no price list");
}
