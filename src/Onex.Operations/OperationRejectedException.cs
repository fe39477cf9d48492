namespace Onex.Operations;

/// <summary>Rejects the step: a final "no", which the same arguments would get again. It is never retried.</summary>
/// <param name="code">The code that contracts catch: lower case, digits and <c>_</c>.</param>
/// <param name="message">The reason for people, without secrets.</param>
public sealed class OperationRejectedException(string code, string message) : Exception(message)
{
    /// <summary>The code that contracts catch.</summary>
    public string Code { get; } = code;
}
