namespace Onex.Contracts.Diagnostics;

/// <summary>A diagnostic that does not know its file yet.</summary>
internal sealed record DiagnosticDraft(string Code, Severity Severity, SourceSpan At, string Problem, string Remedy);
