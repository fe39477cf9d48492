using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Contracts.Expressions;

namespace Onex.Workers.Operations;

/// <summary>Reads and writes values of the expression language as JSON.</summary>
internal sealed class CelValueConverter : JsonConverter<CelValue>
{
    public override bool HandleNull => true;

    public override CelValue Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var value = CelValue.FromJson(document.RootElement);
        return value.IsError ? throw new JsonException(value.AsError()) : value;
    }

    // Only an expression can give a value that JSON does not have, so the code is that of a failed expression.
    public override void Write(Utf8JsonWriter writer, CelValue value, JsonSerializerOptions options)
    {
        if (!value.TryWriteChecked(writer, out var problem))
        {
            throw new ComputeRejectedException(Contracts.Catalogue.StepCodes.ExpressionFailed, problem!);
        }
    }
}
