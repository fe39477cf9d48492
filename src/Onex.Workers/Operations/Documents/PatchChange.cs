using System.Globalization;
using Onex.Contracts.Expressions;

namespace Onex.Workers.Operations.Documents;

/// <summary>One operation of a JSON Patch.</summary>
/// <param name="index">Its place in the patch, for messages.</param>
/// <param name="operation">Its fields.</param>
internal sealed class PatchChange(int index, IReadOnlyDictionary<string, CelValue> operation)
{
    /// <summary>Returns the changed value. Values are immutable, so a patch that fails changes nothing.</summary>
    /// <param name="root">The value before.</param>
    /// <param name="copiesLeft">How many more values may be copied, moved or taken from the patch; a part of a value counts, too.</param>
    public CelValue Apply(CelValue root, ref long copiesLeft)
    {
        var path = ParsePointer("path");
        switch (GetText("op"))
        {
            case "add":
                return Add(root, path, GetValue(path, ref copiesLeft));
            case "remove":
                return Remove(root, path);
            case "replace":
                Find(root, path);
                return Replace(root, path, GetValue(path, ref copiesLeft));
            case "move":
                var from = ParsePointer("from");
                if (path.Length > from.Length && from.AsSpan().SequenceEqual(path.AsSpan(0, from.Length)))
                {
                    throw Invalid("'path' lies inside 'from'");
                }

                var moved = Find(root, from);
                CountCopies(moved, path.Length, ref copiesLeft);
                return Add(Remove(root, from), path, moved);
            case "copy":
                var copied = Find(root, ParsePointer("from"));
                CountCopies(copied, path.Length, ref copiesLeft);
                return Add(root, path, copied);
            case "test":
                return Find(root, path) == GetValue(path, ref copiesLeft) ? root : throw Failed("the value is a different one");
            default:
                throw Invalid("'op' must be 'add', 'remove', 'replace', 'move', 'copy' or 'test'");
        }
    }

    private CelValue GetValue(string[] path, ref long copiesLeft)
    {
        var value = operation.TryGetValue("value", out var found) ? found : throw Invalid("'value' is missing");
        CountCopies(value, path.Length, ref copiesLeft);
        return value;
    }

    // Counts the value and its parts as copies, and rejects a value that would be nested too deep at this depth.
    private void CountCopies(CelValue value, int depth, ref long copiesLeft)
    {
        if (--copiesLeft < 0)
        {
            throw ComputeRejectedException.TooLarge();
        }

        if (value.Kind is not (CelKind.List or CelKind.Map))
        {
            return;
        }

        if (depth >= ExpressionLimits.KeptDepth)
        {
            throw Failed($"the value would be nested deeper than {ExpressionLimits.KeptDepth} levels");
        }

        foreach (var part in value.Kind == CelKind.List ? value.AsList() : value.AsMap().Select(field => field.Value))
        {
            CountCopies(part, depth + 1, ref copiesLeft);
        }
    }

    private CelValue Find(CelValue root, string[] path)
    {
        var value = root;
        foreach (var token in path)
        {
            value = value.Kind == CelKind.List ? value.AsList()[ParseIndex(value.AsList().Count - 1, token)]
                : value.TryGetField(token, out var field) ? field
                : throw NotFound(token);
        }

        return value;
    }

    private CelValue Add(CelValue root, string[] path, CelValue value) => path.Length == 0 ? value : WithParent(root, path, 0, parent =>
    {
        var token = path[^1];
        if (parent.Kind == CelKind.List)
        {
            var items = parent.AsList().ToList();
            items.Insert(token == "-" ? items.Count : ParseIndex(items.Count, token), value);
            return CelValue.List(items);
        }

        return With(parent, token, value);
    });

    private CelValue Replace(CelValue root, string[] path, CelValue value) => path.Length == 0 ? value : WithParent(root, path, 0, parent =>
    {
        if (parent.Kind != CelKind.List)
        {
            return With(parent, path[^1], value);
        }

        var items = parent.AsList().ToList();
        items[ParseIndex(items.Count - 1, path[^1])] = value;
        return CelValue.List(items);
    });

    private CelValue Remove(CelValue root, string[] path)
    {
        if (path.Length == 0)
        {
            throw Failed("the whole value cannot be removed");
        }

        Find(root, path);
        return WithParent(root, path, 0, parent =>
        {
            if (parent.Kind == CelKind.List)
            {
                var items = parent.AsList().ToList();
                items.RemoveAt(ParseIndex(items.Count - 1, path[^1]));
                return CelValue.List(items);
            }

            return CelValue.Map([.. parent.AsMap().Where(field => field.Key != path[^1])]);
        });
    }

    // Returns the value with the parent of the path's last token changed, and with copies of the lists and maps on the way to it.
    private CelValue WithParent(CelValue value, string[] path, int depth, Func<CelValue, CelValue> change)
    {
        if (value.Kind is not (CelKind.List or CelKind.Map))
        {
            throw NotFound(path[depth]);
        }

        if (depth == path.Length - 1)
        {
            return change(value);
        }

        var changed = WithParent(Find(value, [path[depth]]), path, depth + 1, change);
        if (value.Kind == CelKind.Map)
        {
            return With(value, path[depth], changed);
        }

        var items = value.AsList().ToList();
        items[ParseIndex(items.Count - 1, path[depth])] = changed;
        return CelValue.List(items);
    }

    private static CelValue With(CelValue map, string name, CelValue value) =>
        CelValue.Map([.. map.AsMap().Append(KeyValuePair.Create(name, value))]);

    private int ParseIndex(int max, string token) =>
        (token == "0" || !token.StartsWith('0'))
        && int.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out var place) && place <= max
            ? place
            : throw NotFound(token);

    private string[] ParsePointer(string name)
    {
        var pointer = GetText(name);
        if (pointer.Length == 0)
        {
            return [];
        }

        return pointer[0] == '/'
            ? [.. pointer[1..].Split('/').Select(Unescape)]
            : throw Invalid($"'{name}' must be empty or begin with '/'");

        static string Unescape(string token) =>
            token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
    }

    private string GetText(string name) =>
        operation.TryGetValue(name, out var value) && value.Kind == CelKind.String
            ? value.AsString()
            : throw Invalid($"'{name}' must be text");

    private ComputeRejectedException Invalid(string problem) =>
        ComputeRejectedException.Arguments(string.Create(CultureInfo.InvariantCulture, $"operation {index} of 'patch': {problem}"));

    private ComputeRejectedException NotFound(string token) => Failed($"there is nothing at '{token}'");

    private ComputeRejectedException Failed(string problem) => new(
        JsonPatch.PatchFailed, string.Create(CultureInfo.InvariantCulture, $"operation {index} of 'patch': {problem}"));
}
