using System.Text.Json;

namespace Onex.Effects.Vault;

/// <summary>An answer of Vault's API. May hold secrets, so nothing prints it.</summary>
internal sealed class VaultAnswer(int status, JsonElement? body)
{
    /// <summary>The status.</summary>
    public int Status => status;

    /// <summary>The body, or null if it is too large.</summary>
    public JsonElement? Body => body;

    /// <summary>Whether it succeeded.</summary>
    public bool IsSuccess => status is >= 200 and < 300;

    /// <summary>Whether Vault is sealed or not initialized: it answers nothing until somebody unseals it.</summary>
    public bool IsSealed => status == 503 && (HasError("sealed") || HasError("not initialized"));

    /// <summary>Whether one of the errors contains the text. Errors may quote arguments, so they are not reported.</summary>
    public bool HasError(string text) =>
        body is { ValueKind: JsonValueKind.Object } whole
        && whole.TryGetProperty("errors", out var errors)
        && errors.ValueKind == JsonValueKind.Array
        && errors.EnumerateArray().Any(error =>
            error.ValueKind == JsonValueKind.String && error.GetString()!.Contains(text, StringComparison.OrdinalIgnoreCase));

    /// <summary>The member of that path, or null.</summary>
    public JsonElement? Find(params ReadOnlySpan<string> names)
    {
        var at = body;
        foreach (var name in names)
        {
            at = at is { ValueKind: JsonValueKind.Object } there && there.TryGetProperty(name, out var member) ? member : null;
        }

        return at is { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } ? null : at;
    }

    /// <summary>A number, or 0.</summary>
    public int Number(params ReadOnlySpan<string> names) =>
        Find(names) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var value) ? value : 0;

    /// <summary>A text, or null.</summary>
    public string? Text(params ReadOnlySpan<string> names) =>
        Find(names) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    /// <summary>A boolean, or false.</summary>
    public bool IsTrue(params ReadOnlySpan<string> names) => Find(names) is { ValueKind: JsonValueKind.True };

    /// <summary>Without the body.</summary>
    public override string ToString() => $"status {Status}";
}
