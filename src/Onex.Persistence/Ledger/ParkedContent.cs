using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Contracts.Messages;

namespace Onex.Persistence.Ledger;

/// <summary>The content of a parked command, as it is stored.</summary>
internal sealed record ParkedContent(StepCommand Command, string? TraceParent, string? TraceState)
{
    /// <summary>The bytes of a command.</summary>
    public static byte[] Write(CommandToPark parked) => JsonSerializer.SerializeToUtf8Bytes(
        new ParkedContent(parked.Command, parked.TraceParent, parked.TraceState), ParkedJson.Default.ParkedContent);

    /// <summary>
    /// The token of the row of a command that was parked again: the holder of the lease recognizes it, but can record nothing with it.
    /// </summary>
    public static Guid Token(Guid leaseToken) => new(SHA256.HashData(leaseToken.ToByteArray()).AsSpan(0, 16));

    /// <summary>The command that these bytes contain, with the lease under which the caller has claimed it.</summary>
    public static TakenCommand Read(byte[] content, string connection, ClaimResult.Granted lease)
    {
        var parked = JsonSerializer.Deserialize(content, ParkedJson.Default.ParkedContent)!;
        return new TakenCommand(parked.Command, connection, lease) { TraceParent = parked.TraceParent, TraceState = parked.TraceState };
    }
}

/// <summary>How parked commands are written as JSON.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    MaxDepth = MessageJson.DepthMax)]
[JsonSerializable(typeof(ParkedContent))]
internal sealed partial class ParkedJson : JsonSerializerContext;
