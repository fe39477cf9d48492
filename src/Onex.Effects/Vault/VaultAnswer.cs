using System.Text.Json;

namespace Onex.Effects.Vault;

/// <summary>An answer of Vault's API. May hold secrets, so nothing prints it.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="body">The body, or null if it is too large.</param>
internal sealed class VaultAnswer(int status, JsonElement? body)
{
    public int Status => status;

    public bool IsSuccess => status is >= 200 and < 300;

    /// <summary>Whether Vault is sealed or not initialized: it answers nothing until somebody unseals it.</summary>
    public bool IsSealed => status == 503 && (HasError("sealed") || HasError("not initialized"));

    /// <summary>Whether the secret or the path does not exist; false if nothing is mounted there (also 404).</summary>
    public bool IsMissing => status == 404 && !HasError("no handler for route");

    /// <summary>Whether one of the errors contains the text. Errors may quote arguments, so they are not reported.</summary>
    public bool HasError(string text) =>
        body is { ValueKind: JsonValueKind.Object } map
        && map.TryGetProperty("errors", out var errors)
        && errors.ValueKind == JsonValueKind.Array
        && errors.EnumerateArray().Any(error =>
            error.ValueKind == JsonValueKind.String && error.GetString()!.Contains(text, StringComparison.OrdinalIgnoreCase));

    /// <summary>The member at a path of names, or null.</summary>
    public JsonElement? Find(params ReadOnlySpan<string> names)
    {
        var node = body;
        foreach (var name in names)
        {
            node = node is { ValueKind: JsonValueKind.Object } map && map.TryGetProperty(name, out var member) ? member : null;
        }

        return node is { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } ? null : node;
    }

    /// <summary>The number at a path, or 0.</summary>
    public int Number(params ReadOnlySpan<string> names) =>
        Find(names) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var value) ? value : 0;

    /// <summary>The text at a path, or null.</summary>
    public string? Text(params ReadOnlySpan<string> names) =>
        Find(names) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    /// <summary>Whether the value at a path is true.</summary>
    public bool IsTrue(params ReadOnlySpan<string> names) => Find(names) is { ValueKind: JsonValueKind.True };

    /// <summary>The status alone, because the body may hold secrets.</summary>
    public override string ToString() => $"status {Status}";
}
