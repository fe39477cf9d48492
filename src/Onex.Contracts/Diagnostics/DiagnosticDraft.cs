namespace Onex.Contracts.Diagnostics;

/// <summary>A diagnostic without its file.</summary>
internal sealed record DiagnosticDraft(string Code, Severity Severity, SourceSpan At, string Problem, string Remedy);
