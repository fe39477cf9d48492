using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Onex.Tests.Unit.House;

/// <summary>The documentation comments of the code as Markdown, for generated documents.</summary>
internal static partial class DocComments
{
    private static readonly Dictionary<Assembly, Dictionary<string, XElement>> _members = [];

    /// <summary>The summary of a type.</summary>
    public static string Read(Type type) => Summary(type.Assembly, $"T:{Name(type)}");

    /// <summary>The summary of a property, field or method.</summary>
    public static string Read(MemberInfo member) => Summary(member.Module.Assembly, Id(member));

    /// <summary>The description of a positional parameter in the comment of its record.</summary>
    public static string ReadParameter(Type record, string parameter)
    {
        var element = Members(record.Assembly).GetValueOrDefault($"T:{Name(record)}")?.Elements("param")
            .SingleOrDefault(item => (string?)item.Attribute("name") == parameter);
        Assert.True(element is not null, $"{record.Name} does not describe its parameter '{parameter}'.");
        return Markdown(record.Assembly, element);
    }

    private static string Summary(Assembly assembly, string id)
    {
        // The id of a method continues with its parameters.
        var element = Members(assembly)
            .FirstOrDefault(member => member.Key == id || (id[0] == 'M' && member.Key.StartsWith(id + "(", StringComparison.Ordinal)))
            .Value;
        var summary = element?.Element("summary");
        Assert.True(summary is not null, $"{id} has no summary: say what it means.");
        return Markdown(assembly, summary);
    }

    private static Dictionary<string, XElement> Members(Assembly assembly)
    {
        lock (_members)
        {
            if (!_members.TryGetValue(assembly, out var members))
            {
                members = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member")
                    .ToDictionary(member => (string)member.Attribute("name")!, StringComparer.Ordinal);
                _members.Add(assembly, members);
            }

            return members;
        }
    }

    private static string Id(MemberInfo member) => member switch
    {
        PropertyInfo => "P:",
        FieldInfo => "F:",
        _ => "M:",
    } + $"{Name(member.DeclaringType!)}.{member.Name}";

    private static string Name(Type type) => type.FullName!.Replace('+', '.');

    private static string Markdown(Assembly assembly, XElement element) => Blank().Replace(
        string.Concat(element.Nodes().Select(node => node switch
        {
            XText text => text.Value,
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement { Name.LocalName: "see" } reference =>
                $"`{Target(assembly, (string?)reference.Attribute("cref") ?? $"?:{(string?)reference.Attribute("langword")}")}`",
            XElement { Name.LocalName: "paramref" } parameter => $"`{(string?)parameter.Attribute("name")}`",
            XElement other => other.Value,
            _ => "",
        })), " ").Trim();

    // A property has its name on the wire, a constant is its value, everything else has its own name.
    private static string Target(Assembly assembly, string id)
    {
        var name = id[2..].Split('(')[0];
        var memberName = name[(name.LastIndexOf('.') + 1)..];
        return id[0] switch
        {
            'P' => JsonNamingPolicy.SnakeCaseLower.ConvertName(memberName),
            'F' => assembly.GetType(name[..name.LastIndexOf('.')])?.GetField(memberName)?.GetRawConstantValue() as string ?? memberName,
            _ => memberName,
        };
    }

    [GeneratedRegex(@"\s+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Blank();
}
