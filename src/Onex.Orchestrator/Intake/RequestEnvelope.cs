using System.Collections.Frozen;
using System.Text.Json;

namespace Onex.Orchestrator.Intake;

/// <summary>The fields that the answer to an unreadable or invalid request needs, from its top level. The request may be deep.</summary>
internal sealed record RequestEnvelope(Guid? CorrelationId, Guid? EnvelopeId, string? Operation)
{
    // A longer name is not one of the three. A longer value is ignored, so that the answer stays short.
    private const int NameBytesMax = 32;
    private const int ValueBytesMax = 512;

    public static FrozenSet<string> KnownFields { get; } = FrozenSet.ToFrozenSet(
        ["operation", "payload", "correlation_id", "envelope_id", "target", "handler_type", "reply_to"], StringComparer.Ordinal);

    /// <summary>Reads the top level up to the first error.</summary>
    public static RequestEnvelope Parse(ReadOnlySpan<byte> value)
    {
        Guid? correlationId = null;
        Guid? envelopeId = null;
        string? operation = null;
        try
        {
            var reader = new Utf8JsonReader(value, new JsonReaderOptions { MaxDepth = int.MaxValue / 2 });
            string? field = null;
            while (reader.Read())
            {
                if (reader.CurrentDepth != 1)
                {
                    continue;
                }

                if (reader.TokenType == JsonTokenType.PropertyName)
                {
                    field = reader.ValueSpan.Length <= NameBytesMax ? reader.GetString() : null;
                }
                else if (reader.TokenType == JsonTokenType.String && field is not null && reader.ValueSpan.Length <= ValueBytesMax)
                {
                    var text = reader.GetString();
                    switch (field)
                    {
                        case "correlation_id" when Guid.TryParseExact(text, "D", out var id):
                            correlationId = id;
                            break;
                        case "envelope_id" when Guid.TryParseExact(text, "D", out var id):
                            envelopeId = id;
                            break;
                        case "operation":
                            operation = text;
                            break;
                    }
                }
            }
        }
        catch (Exception stop) when (stop is JsonException or InvalidOperationException)
        {
            // Keeps the fields before the error.
        }

        return new RequestEnvelope(correlationId, envelopeId, operation);
    }
}
