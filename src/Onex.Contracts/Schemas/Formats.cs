using System.Net;
using System.Net.Sockets;
using Onex.Contracts.Expressions;

namespace Onex.Contracts.Schemas;

/// <summary>The values of <c>format</c> that are checked; others are ignored.</summary>
internal static class Formats
{
    private const int LocalPartMax = 64;
    private const int LabelMax = 63;
    private const int DomainMax = 255;

    /// <summary>Whether a text has a format.</summary>
    public static bool Has(string format, string text) => format switch
    {
        "uuid" => IsUuid(text),
        "date-time" => CelTime.IsDateTime(text),
        "date" => text.Length == 10 && CelTime.IsDate(text),
        "email" => IsEmail(text),
        _ => true,
    };

    // The form of RFC 4122. Guid.Parse would also accept white space and signs.
    private static bool IsUuid(string text)
    {
        if (text.Length != 36)
        {
            return false;
        }

        for (var at = 0; at < text.Length; at++)
        {
            if (at is 8 or 13 or 18 or 23 ? text[at] != '-' : !char.IsAsciiHexDigit(text[at]))
            {
                return false;
            }
        }

        return true;
    }

    // A mailbox of RFC 5321, section 4.1.2. It is split at the last '@', because a quoted local part may contain others.
    private static bool IsEmail(string text)
    {
        var at = text.LastIndexOf('@');
        return at > 0 && at <= LocalPartMax && IsLocalPart(text[..at]) && IsDomain(text[(at + 1)..]);
    }

    private static bool IsLocalPart(string text) =>
        text[0] == '"' ? IsQuoted(text) : text.Split('.').All(atom => atom.Length > 0 && atom.All(IsAtomText));

    private static bool IsAtomText(char character) =>
        char.IsAsciiLetterOrDigit(character) || "!#$%&'*+-/=?^_`{|}~".Contains(character, StringComparison.Ordinal);

    private static bool IsQuoted(string text)
    {
        var at = 1;
        while (at < text.Length && text[at] != '"')
        {
            at += text[at] == '\\' ? 1 : 0;
            if (at >= text.Length || text[at] is < ' ' or > '~')
            {
                return false;
            }

            at++;
        }

        return at == text.Length - 1;
    }

    private static bool IsDomain(string text) => text.StartsWith('[')
        ? text.EndsWith(']') && IsAddress(text[1..^1])
        : text.Length <= DomainMax && text.Split('.').All(IsLabel);

    private static bool IsLabel(string text) =>
        text.Length is > 0 and <= LabelMax && text[0] != '-' && text[^1] != '-'
            && text.All(character => char.IsAsciiLetterOrDigit(character) || character == '-');

    private static bool IsAddress(string text)
    {
        const string Tag = "IPv6:";
        if (text.StartsWith(Tag, StringComparison.OrdinalIgnoreCase))
        {
            var address = text[Tag.Length..];
            return address.All(character => char.IsAsciiHexDigit(character) || character is ':' or '.')
                && IPAddress.TryParse(address, out var parsed) && parsed.AddressFamily == AddressFamily.InterNetworkV6;
        }

        var octets = text.Split('.');
        return octets.Length == 4 && octets.All(octet => octet.Length is >= 1 and <= 3 && octet.All(char.IsAsciiDigit)
            && int.Parse(octet, null) <= byte.MaxValue);
    }
}
