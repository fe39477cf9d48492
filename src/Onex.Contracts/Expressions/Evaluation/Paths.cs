using System.Collections.Immutable;
using Onex.Contracts.Expressions.Parsing;

namespace Onex.Contracts.Expressions.Evaluation;

/// <summary>Collects what an expression reads: the longest paths of fields from names of its scope.</summary>
internal sealed class Paths
{
    private readonly ImmutableArray<PathUse>.Builder _uses = ImmutableArray.CreateBuilder<PathUse>();
    private readonly List<string> _variables = [];

    public static ImmutableArray<PathUse> Collect(Syntax syntax)
    {
        var paths = new Paths();
        paths.Walk(syntax, guarded: false);
        return paths._uses.ToImmutable();
    }

    /// <summary>The type that a path names (<c>google.protobuf.Duration</c>); null if it names none.</summary>
    public static string? TypeOf(SelectSyntax select, List<string> variables) =>
        select is
        {
            Optional: false, Operand: SelectSyntax { Optional: false, Operand: NameSyntax root, Field: "protobuf" },
            Field: "Timestamp" or "Duration"
        }
        && root.Name == "google" && !variables.Contains(root.Name)
            ? "google.protobuf." + select.Field
            : null;

    private void Walk(Syntax syntax, bool guarded)
    {
        if (syntax is SelectSyntax type && TypeOf(type, _variables) is not null)
        {
            return;
        }

        if (syntax is NameSyntax or SelectSyntax or IndexSyntax && TryReadPath(syntax, out var path, ref guarded))
        {
            _uses.Add(new PathUse(path, syntax.Position, syntax.Length, guarded));
            return;
        }

        switch (syntax)
        {
            case SelectSyntax select:
                Walk(select.Operand, guarded || select.Optional);
                break;
            case HasSyntax has:
                Walk(has.Select, guarded: true);
                break;
            case IndexSyntax index:
                Walk(index.Operand, guarded || index.Optional);
                Walk(index.Index, guarded: false);
                break;
            case CallSyntax call:
                WalkAll(call.Arguments);
                break;
            case UnarySyntax unary:
                Walk(unary.Operand, guarded: false);
                break;
            case BinarySyntax binary:
                WalkAll([binary.Left, binary.Right]);
                break;
            case LogicSyntax logic:
                WalkAll(logic.Operands);
                break;
            case ConditionalSyntax conditional:
                WalkAll([conditional.Condition, conditional.Then, conditional.Else]);
                break;
            case ListSyntax list:
                WalkAll([.. list.Items.Select(item => item.Item)]);
                break;
            case MapSyntax map:
                WalkAll([.. map.Entries.SelectMany(entry => new[] { entry.Key, entry.Value })]);
                break;
            case ComprehensionSyntax comprehension:
                Walk(comprehension.Range, guarded: false);
                _variables.Add(comprehension.Variable);
                WalkAll([.. new[] { comprehension.Condition, comprehension.Body }.OfType<Syntax>()]);
                _variables.RemoveAt(_variables.Count - 1);
                break;
        }
    }

    private void WalkAll(ImmutableArray<Syntax> parts)
    {
        foreach (var part in parts)
        {
            Walk(part, guarded: false);
        }
    }

    // The path, if the whole expression is a name of the scope and constant fields after it.
    private bool TryReadPath(Syntax syntax, out ImmutableArray<string> path, ref bool guarded)
    {
        var fields = new List<string>();
        var optional = false;
        path = [];
        while (true)
        {
            switch (syntax)
            {
                case SelectSyntax select:
                    fields.Add(select.Field);
                    optional |= select.Optional;
                    syntax = select.Operand;
                    continue;
                case IndexSyntax { Index: LiteralSyntax { Value: { Kind: CelKind.String } field } } index:
                    fields.Add(field.AsString());
                    optional |= index.Optional;
                    syntax = index.Operand;
                    continue;
                case NameSyntax name when (name.FromRoot || !_variables.Contains(name.Name)) && !CelTypes.IsTypeName(name.Name):
                    fields.Add(name.Name);
                    fields.Reverse();
                    path = [.. fields];
                    guarded |= optional;
                    return true;
                default:
                    return false;
            }
        }
    }
}
