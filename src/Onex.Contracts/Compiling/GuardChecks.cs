using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Parsing;

namespace Onex.Contracts.Compiling;

/// <summary>Finds entries that can never be taken, in a list from which the first entry whose guard holds is taken.</summary>
internal sealed class GuardChecks(ContractScope scope)
{
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private bool _hasConstantTrue;

    /// <summary>Checks the guard of the next entry; null if the entry has none.</summary>
    public void Check(Expression? guard, SourceSpan at)
    {
        if (guard is null)
        {
            return;
        }

        var constant = guard.Syntax is LiteralSyntax { Value: { Kind: CelKind.Bool } value } ? value.AsBool() : (bool?)null;
        if (_hasConstantTrue)
        {
            scope.Report(ContractDiagnostics.EntryNeverTaken(
                at, "an earlier guard always holds", "Move that entry to the end, or change its guard."));
        }
        else if (constant == false)
        {
            scope.Report(ContractDiagnostics.EntryNeverTaken(at, "it never holds", "Write a guard that may hold, or remove the entry."));
        }
        else if (!_seen.Add(guard.Text.Trim()))
        {
            scope.Report(ContractDiagnostics.EntryNeverTaken(
                at, "an earlier entry has the same guard", "Remove one of them, or change its guard."));
        }

        _hasConstantTrue |= constant == true;
    }
}
