using System.Net.Http.Json;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Operations;

namespace Acme.Trials;

/// <summary>The arguments of this plug-in's operations.</summary>
public sealed record TrialArguments
{
    [Argument("How often.", Default = "1")]
    public int Times { get; init; } = 1;

    [Argument("A price.")]
    public Price? Price { get; init; }
}

/// <summary>A price.</summary>
/// <param name="Amount">The amount as text.</param>
/// <param name="Currency">Its currency.</param>
public sealed record Price(
    [property: Argument("The amount as text."), Result("The amount as text.")] string Amount,
    [property: Argument("Its currency."), Result("Its currency.")] string Currency);

/// <summary>The result of this plug-in's operations.</summary>
public sealed record TrialResult
{
    [Result("What was found.")]
    public required string Found { get; init; }
}

[Operation("acme.count", Description = "Counts, and reports its progress.", Rejections = "too_often")]
public sealed class Count : Compute<TrialArguments, TrialResult>
{
    protected override Task<TrialResult> RunAsync(TrialArguments arguments, ComputeContext context, CancellationToken cancellation)
    {
        if (arguments.Times > 100)
        {
            throw new OperationRejectedException("too_often", $"{arguments.Times} is more than 100");
        }

        for (var i = 1; i <= arguments.Times; i++)
        {
            context.ReportProgress((double)i / arguments.Times, $"{i} of {arguments.Times}");
        }

        return Task.FromResult(new TrialResult { Found = $"{arguments.Times} {arguments.Price?.Currency}".TrimEnd() });
    }
}

[Operation("acme.throw", Description = "Throws.")]
public sealed class Throw : Compute<TrialArguments, TrialResult>
{
    protected override Task<TrialResult> RunAsync(TrialArguments arguments, ComputeContext context, CancellationToken cancellation) =>
        throw new JsonException("the password is secret-7");
}

/// <summary>Blocks its thread and ignores its token, until <see cref="Release"/>.</summary>
[Operation("acme.block", Description = "Blocks its thread and ignores its token.")]
public sealed class Block : Compute<TrialArguments, TrialResult>
{
    private static readonly ManualResetEventSlim _gate = new();

    /// <summary>Lets all runs end.</summary>
    public static void Release() => _gate.Set();

    protected override Task<TrialResult> RunAsync(TrialArguments arguments, ComputeContext context, CancellationToken cancellation)
    {
        _gate.Wait(CancellationToken.None);
        return Task.FromResult(new TrialResult { Found = "the end" });
    }
}

[Operation("acme.library", Description = "Finds the version of a library that the host has in another version.")]
public sealed class Library : Compute<TrialArguments, TrialResult>
{
    protected override Task<TrialResult> RunAsync(TrialArguments arguments, ComputeContext context, CancellationToken cancellation)
    {
        var library = typeof(YamlDotNet.Core.Parser).Assembly.GetName();
        return Task.FromResult(new TrialResult { Found = $"{library.Name} {library.Version!.ToString(2)}" });
    }
}

[Operation("acme.absent", Description = "Loads an assembly that is not there.")]
public sealed class Absent : Compute<TrialArguments, TrialResult>
{
    protected override Task<TrialResult> RunAsync(TrialArguments arguments, ComputeContext context, CancellationToken cancellation) =>
        Task.FromResult(new TrialResult
        {
            // A library of the host, which plug-ins must bring themselves.
            Found = Assembly.Load(new AssemblyName("Npgsql, Version=10.0.3.0, Culture=neutral, PublicKeyToken=5d8b90d52f46fda7"))
                .FullName!,
        });
}

[Operation(
    "acme.post", Description = "Posts over its connection.", ConnectionType = "http", ChangesWorld = true, Rejections = "sold_out")]
public sealed class Post : Effect<TrialArguments, TrialResult>
{
    protected override async Task<EffectOutcome<TrialResult>> RunAsync(
        TrialArguments arguments, EffectContext context, CancellationToken cancellation)
    {
        var address = context.Connection.Settings.GetValueOrDefault("orders", "orders");
        using var response = await context.Connection.Http.PostAsJsonAsync(address, arguments, cancellation).ConfigureAwait(false);
        if ((int)response.StatusCode == 409)
        {
            return Refused("sold_out", "Nothing is left.");
        }

        response.EnsureSuccessStatusCode();
        var found = await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false);
        return Completed(new TrialResult { Found = $"{found} {context.Connection.Settings.GetValueOrDefault("region")}" });
    }
}

[Operation("acme.break", Description = "Throws after it may have taken effect.", ChangesWorld = true)]
public sealed class Break : Effect<TrialArguments, TrialResult>
{
    protected override Task<EffectOutcome<TrialResult>> RunAsync(
        TrialArguments arguments, EffectContext context, CancellationToken cancellation) =>
        throw new InvalidOperationException("the password is secret-7");
}

/// <summary>A result that has half a surrogate pair.</summary>
public sealed record HalfPairResult
{
    [Result("Cannot be serialized.")]
    public JsonElement? Parsed { get; init; }

    [Result("Can be serialized, but not read.")]
    [JsonConverter(typeof(RawConverter))]
    public string? Raw { get; init; }

    private sealed class RawConverter : JsonConverter<string>
    {
        public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteRawValue(value);
    }
}

[Operation("acme.halve", Description = "Returns half a surrogate pair, the raw if asked for two.", ChangesWorld = true)]
public sealed class Halve : Effect<TrialArguments, HalfPairResult>
{
    private const string HalfPair = """ "\ud800" """;

    protected override Task<EffectOutcome<HalfPairResult>> RunAsync(
        TrialArguments arguments, EffectContext context, CancellationToken cancellation) => Task.FromResult(Completed(
            arguments.Times == 1 ? new HalfPairResult { Parsed = JsonElement.Parse(HalfPair) } : new HalfPairResult { Raw = HalfPair }));
}

[Operation("acme.nothing", Description = "Returns nothing.")]
public sealed class Nothing : Compute<TrialArguments, TrialResult>
{
    protected override Task<TrialResult> RunAsync(TrialArguments arguments, ComputeContext context, CancellationToken cancellation) =>
        Task.FromResult<TrialResult>(null!);
}

[Operation("acme.upload", Description = "Uploads that many parts, one a second, and reports its progress.")]
public sealed class Upload : Effect<TrialArguments, TrialResult>
{
    protected override async Task<EffectOutcome<TrialResult>> RunAsync(
        TrialArguments arguments, EffectContext context, CancellationToken cancellation)
    {
        for (var i = 1; i <= arguments.Times; i++)
        {
            context.ReportProgress((double)i / arguments.Times, $"part {i}");
            await Task.Delay(TimeSpan.FromSeconds(1), context.Time, cancellation).ConfigureAwait(false);
        }

        return Completed(new TrialResult { Found = $"{arguments.Times} parts" });
    }
}

/// <summary>A statement.</summary>
public sealed record SqlArguments
{
    [Argument("The statement.")]
    public required string Sql { get; init; }
}

[Operation("acme.sql", Description = "Runs a statement in a transaction.", ConnectionType = "postgres", ChangesWorld = true)]
public sealed class Sql : Effect<SqlArguments, TrialResult>
{
    protected override async Task<EffectOutcome<TrialResult>> RunAsync(
        SqlArguments arguments, EffectContext context, CancellationToken cancellation)
    {
        var session = await context.Connection.Database.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            var transaction = await session.BeginTransactionAsync(cancellation).ConfigureAwait(false);
            await using (transaction.ConfigureAwait(false))
            {
                using var command = session.CreateCommand();
                command.Transaction = transaction;
                command.CommandText = arguments.Sql;
                var found = await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
                await transaction.CommitAsync(cancellation).ConfigureAwait(false);
                return Completed(new TrialResult { Found = $"{found}" });
            }
        }
    }
}

[Operation("acme.database", Description = "Shows what a plug-in sees of its database connection.", ConnectionType = "postgres")]
public sealed class Database : Effect<TrialArguments, TrialResult>
{
    protected override async Task<EffectOutcome<TrialResult>> RunAsync(
        TrialArguments arguments, EffectContext context, CancellationToken cancellation)
    {
        var source = context.Connection.Database;
        var closed = source.CreateConnection();
        var session = await source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        await using (closed.ConfigureAwait(false))
        await using (session.ConfigureAwait(false))
        {
            // Has no effect, because the source belongs to the host.
            await source.DisposeAsync().ConfigureAwait(false);
            return Completed(new TrialResult { Found = $"{source.ConnectionString};{closed.ConnectionString};{session.ConnectionString}" });
        }
    }
}
