using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Onex.Hosting.Settings;
using Onex.Workers.Operations;
using Onex.Workers.Sandbox;

namespace Onex.Workers.Code;

/// <summary>Checks and converts the arguments of scripts and modules.</summary>
internal static class SandboxArguments
{
    private const long SafeIntegerMax = (1L << 53) - 1;

    /// <summary>The limit of a run: that of the setting, unless the step requests a lower one.</summary>
    /// <param name="argument">The name of the argument, for messages.</param>
    /// <param name="requested">Its value, or null.</param>
    /// <param name="max">The value of the setting.</param>
    /// <param name="setting">The name of the setting, for messages.</param>
    public static int Limit(string argument, int? requested, int max, string setting) => requested switch
    {
        null => max,
        < 1 => throw ComputeRejectedException.Arguments($"'{argument}' is {requested}, and must be 1 or more"),
        _ when requested > max => throw ComputeRejectedException.Arguments(
            $"'{argument}' is {requested}, above {max}, which the setting {setting} allows: a step can only set a lower limit"),
        _ => requested.Value,
    };

    /// <summary>A request with the limits that scripts and modules have in common.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="timeoutMs">The step's limit of time, or null.</param>
    /// <param name="memoryMb">The step's limit of memory, or null.</param>
    public static SandboxRequest Request(SandboxSettings settings, int? timeoutMs, int? memoryMb) => new()
    {
        TimeoutMs = Limit("timeout_ms", timeoutMs, (int)settings.Timeout.TotalMilliseconds, "sandbox.timeout"),
        MemoryMb = Limit("memory_mb", memoryMb, settings.MemoryMb, "sandbox.memory_mb"),
    };

    /// <summary>The JSON text of an input; the text <c>null</c> without one.</summary>
    public static ReadOnlyMemory<byte> ToJson(JsonElement? input) =>
        input is { ValueKind: not JsonValueKind.Undefined } value ? JsonMarshal.GetRawUtf8Value(value).ToArray() : "null"u8.ToArray();

    /// <summary>
    /// Rejects an input with a whole number beyond 2^53 - 1. JavaScript might change it: its numbers are doubles, which have gaps there.
    /// </summary>
    public static void CheckNumbers(ReadOnlyMemory<byte> input)
    {
        var reader = new Utf8JsonReader(input.Span);
        while (reader.Read())
        {
            var isWhole = reader.TokenType == JsonTokenType.Number && reader.ValueSpan.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0;
            if (isWhole && !(reader.TryGetInt64(out var number) && number is >= -SafeIntegerMax and <= SafeIntegerMax))
            {
                throw ComputeRejectedException.Arguments(
                    $"'input' has the number {Encoding.UTF8.GetString(reader.ValueSpan)}, which JavaScript cannot hold "
                    + "exactly: pass it as a text");
            }
        }
    }
}
