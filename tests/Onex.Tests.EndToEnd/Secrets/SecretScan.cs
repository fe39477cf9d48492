using System.Text;
using System.Text.Json;

namespace Onex.Tests.EndToEnd.Secrets;

/// <summary>Searches bytes for secrets in several forms, and for a handle, which shows that the search sees what was written.</summary>
internal sealed class SecretScan(string secret, string generated, string handle)
{
    private readonly List<string> _leaks = [];
    private readonly HashSet<string> _withHandle = [];

    private readonly IReadOnlyList<(string Form, byte[] Bytes)> _forms =
    [
        .. new[] { secret, generated }.SelectMany(value => (string[])
        [
            value, Uri.EscapeDataString(value), JsonEncodedText.Encode(value).ToString(),
            Convert.ToBase64String(Encoding.UTF8.GetBytes(value)),
            Convert.ToHexStringLower(Encoding.UTF8.GetBytes(value)),
        ]).Distinct().Select(form => (form, Encoding.UTF8.GetBytes(form))),
    ];

    private readonly byte[][] _handles =
    [
        Encoding.UTF8.GetBytes(handle), Encoding.UTF8.GetBytes(handle["onex-secret:".Length..]),
        Guid.ParseExact(handle["onex-secret:".Length..], "N").ToByteArray(bigEndian: true),
    ];

    /// <summary>Searches the contents of a place.</summary>
    public void Add(string place, IEnumerable<byte[]> contents)
    {
        foreach (var content in contents)
        {
            _leaks.AddRange(
                _forms.Where(form => content.AsSpan().IndexOf(form.Bytes) >= 0).Select(form => $"{place}: {form.Form}"));
            if (_handles.Any(each => content.AsSpan().IndexOf(each) >= 0))
            {
                _withHandle.Add(place);
            }
        }
    }

    /// <summary>Fails if a secret was found, or if the handle was not found in one of the places.</summary>
    public void AssertOnlyHandles(params string[] places)
    {
        Assert.Empty(_leaks.Distinct());
        Assert.Superset(places.ToHashSet(), _withHandle);
    }
}
