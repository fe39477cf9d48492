using Onex.Contracts.Expressions;

namespace Onex.Workers.Operations;

/// <summary>
/// The names that expressions of an operation read: <c>values</c>, and in a list <c>item</c> and <c>index</c>. One object serves all items.
/// </summary>
internal sealed class ItemScope : IExpressionScope
{
    private readonly List<(string Name, CelValue Value)> _names = [];

    public ItemScope(IReadOnlyDictionary<string, CelValue>? values) => Set("values", CelValue.Map(values ?? Empty));

    public bool HasQualifiedNames => false;

    /// <summary>The place of the current item in its list, or null.</summary>
    public int? Index { get; private set; }

    private static Dictionary<string, CelValue> Empty => [];

    /// <summary>Makes an item of the list the current one, and returns this scope.</summary>
    public ItemScope SetItem(CelValue item, int index)
    {
        Set("item", item);
        Set("index", CelValue.Int(index));
        Index = index;
        return this;
    }

    /// <summary>Sets the value of a name.</summary>
    public void Set(string name, CelValue value)
    {
        var place = _names.FindIndex(each => each.Name == name);
        if (place >= 0)
        {
            _names[place] = (name, value);
        }
        else
        {
            _names.Add((name, value));
        }
    }

    public bool TryGet(string name, out CelValue value)
    {
        foreach (var each in _names)
        {
            if (string.Equals(each.Name, name, StringComparison.Ordinal))
            {
                value = each.Value;
                return true;
            }
        }

        value = default;
        return false;
    }
}
