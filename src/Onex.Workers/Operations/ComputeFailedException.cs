namespace Onex.Workers.Operations;

/// <summary>A compute fails its attempt: the same arguments may complete later, or in another worker.</summary>
/// <param name="code">The code, for operators: a failed attempt is retried, so no <c>catch</c> sees it.</param>
/// <param name="problem">What is wrong, without the full stop.</param>
internal sealed class ComputeFailedException(string code, string problem) : Exception(problem)
{
    public string Code { get; } = code;
}
