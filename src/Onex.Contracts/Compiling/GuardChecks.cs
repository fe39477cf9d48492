using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Parsing;

namespace Onex.Contracts.Compiling;

/// <summary>Finds entries that are never taken in a list where the first entry whose guard holds is taken.</summary>
internal sealed class GuardChecks(ContractScope scope)
{
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private bool _always;

    /// <summary>Checks the guard of the next entry; null if it has none.</summary>
    /// <param name="guard">The guard.</param>
    /// <param name="at">Its position.</param>
    public void Next(Expression? guard, SourceSpan at)
    {
        if (guard is null)
        {
            return;
        }

        var constant = guard.Syntax is LiteralSyntax { Value: { Kind: CelKind.Bool } value } ? value.AsBool() : (bool?)null;
        if (_always)
        {
            scope.Report(ContractDiagnostics.EntryNeverTaken(
                at, "an earlier guard always holds",
                "Move that entry to the end, or change its guard."));
        }
        else if (constant == false)
        {
            scope.Report(ContractDiagnostics.EntryNeverTaken(at, "it never holds", "Write a guard that may hold, or remove the entry."));
        }
        else if (!_seen.Add(guard.Text.Trim()))
        {
            scope.Report(ContractDiagnostics.EntryNeverTaken(
                at, "an earlier entry has the same guard",
                "Remove one of them, or change its guard."));
        }

        _always |= constant == true;
    }
}
