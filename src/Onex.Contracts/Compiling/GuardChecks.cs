using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Parsing;

namespace Onex.Contracts.Compiling;

/// <summary>Entries that are asked one after the other, of which the first counts whose guard holds: some are in vain.</summary>
internal sealed class GuardChecks(ContractScope scope)
{
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private bool _always;

    /// <summary>Looks at the guard of the next entry; null if it has none.</summary>
    /// <param name="guard">The guard.</param>
    /// <param name="at">Its place.</param>
    public void Next(Expression? guard, SourceSpan at)
    {
        if (guard is null)
        {
            return;
        }

        var constant = guard.Syntax is LiteralSyntax { Value: { Kind: CelKind.Bool } value } ? value.AsBool() : (bool?)null;
        if (_always)
        {
            scope.Report(ContractDiagnostics.GuardNeverTaken(at, "one before it always holds", "Move that one to the end, or give it another guard."));
        }
        else if (constant == false)
        {
            scope.Report(ContractDiagnostics.GuardNeverTaken(at, "it never holds", "Write a guard that may hold, or remove the entry."));
        }
        else if (!_seen.Add(guard.Text.Trim()))
        {
            scope.Report(ContractDiagnostics.GuardNeverTaken(at, "one before it has the same guard", "Remove one of them, or give it another guard."));
        }

        _always |= constant == true;
    }
}
