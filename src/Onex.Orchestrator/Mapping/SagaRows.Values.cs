using System.Collections.Immutable;
using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;

namespace Onex.Orchestrator.Mapping;

/// <summary>Values of the expression language: plain JSON, and beside it the types that JSON does not have.</summary>
internal static partial class SagaRows
{
    private static ImmutableDictionary<string, CelValue> ReadData(Plan plan, RawJson json, JsonElement? kinds)
    {
        using var document = JsonDocument.Parse(json.Utf8, ValueJson.Reading);
        var data = ImmutableDictionary.CreateBuilder<string, CelValue>(StringComparer.Ordinal);
        foreach (var field in plan.Data)
        {
            if (document.RootElement.TryGetProperty(field.Name, out var stored))
            {
                var value = StoredValues.Read(stored, Member(kinds, field.Name));
                data[field.Name] = field.Type.TryConvert(value, out var typed, out _) ? typed : value;
            }
        }

        return data.ToImmutable();
    }

    private static ImmutableDictionary<string, CelValue> ReadValues(JsonElement values, JsonElement? kinds) =>
        values.EnumerateObject()
            .ToImmutableDictionary(value => value.Name, value => StoredValues.Read(value.Value, Member(kinds, value.Name)));

    private static void WriteValues(Utf8JsonWriter writer, ImmutableDictionary<string, CelValue> values)
    {
        foreach (var (name, value) in values)
        {
            writer.WritePropertyName(name);
            Write(writer, value);
        }
    }

    // The types that plain JSON does not have; most values need none.
    private static void WriteKinds(Utf8JsonWriter writer, string name, ImmutableDictionary<string, CelValue> values)
    {
        var begun = false;
        foreach (var (field, value) in values)
        {
            if (StoredValues.NeedsMark(value))
            {
                if (!begun)
                {
                    writer.WriteStartObject(name);
                    begun = true;
                }

                writer.WritePropertyName(field);
                StoredValues.WriteMark(value, writer);
            }
        }

        if (begun)
        {
            writer.WriteEndObject();
        }
    }

    /// <summary>Writes a value under a name, and beside it the types that plain JSON does not have.</summary>
    internal static void WriteValue(Utf8JsonWriter writer, string name, CelValue value)
    {
        writer.WritePropertyName(name);
        Write(writer, value);
        if (StoredValues.NeedsMark(value))
        {
            writer.WritePropertyName(name + "_kinds");
            StoredValues.WriteMark(value, writer);
        }
    }

    /// <summary>Reads what <see cref="WriteValue"/> wrote; null if it does not exist.</summary>
    internal static CelValue? ReadValue(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) ? StoredValues.Read(value, Member(json, name + "_kinds")) : null;

    /// <summary>Writes a value that has a JSON form.</summary>
    internal static void Write(Utf8JsonWriter writer, CelValue value)
    {
        if (!StoredValues.TryWrite(value, writer, out var problem))
        {
            throw new InvalidOperationException($"A value without JSON reached the store: {problem}");
        }
    }

    private static JsonElement? Member(JsonElement? json, string name) =>
        json is { ValueKind: JsonValueKind.Object } there && there.TryGetProperty(name, out var member) ? member : null;

    private static void WriteReport(Utf8JsonWriter writer, AttemptReport? report)
    {
        if (report is null)
        {
            return;
        }

        writer.WriteStartObject("report");
        WriteTime(writer, "started_at", report.StartedAt);
        WriteTime(writer, "at", report.At);
        if (report.Progress is { } progress)
        {
            writer.WriteNumber("progress", progress);
        }

        WriteText(writer, "text", report.Text);
        WriteText(writer, "worker", report.Worker);
        writer.WriteEndObject();
    }

    private static AttemptReport? ReadReport(JsonElement json) => json.TryGetProperty("report", out var report)
        ? new AttemptReport(report.GetProperty("started_at").GetDateTimeOffset(), report.GetProperty("at").GetDateTimeOffset())
        {
            Progress = report.TryGetProperty("progress", out var progress) ? progress.GetDouble() : null,
            Text = Text(report, "text"),
            Worker = Text(report, "worker"),
        }
        : null;
}
