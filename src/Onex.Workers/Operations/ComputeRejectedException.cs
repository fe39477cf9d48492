using System.Globalization;
using Onex.Contracts.Catalogue;

namespace Onex.Workers.Operations;

/// <summary>A compute rejects its step: the same arguments would be rejected again.</summary>
/// <param name="code">The code, as listed in <see cref="RejectionCodes"/>.</param>
/// <param name="problem">What is wrong, without the full stop.</param>
internal sealed class ComputeRejectedException(string code, string problem) : Exception(problem)
{
    /// <summary>The code of a result that exceeds its limit.</summary>
    public const string ResultTooLarge = "result_too_large";

    public string Code { get; } = code;

    /// <summary>The arguments have the right types, but the operation rejects their values.</summary>
    public static ComputeRejectedException Arguments(string problem) => new(StepCodes.ArgumentsInvalid, problem);

    /// <summary>An expression cannot be evaluated for these values.</summary>
    public static ComputeRejectedException Expression(string argument, int? item, string problem) => new(
        StepCodes.ExpressionFailed,
        item is { } index
            ? string.Create(CultureInfo.InvariantCulture, $"'{argument}' of item {index}: {problem}")
            : $"'{argument}': {problem}");

    /// <summary>The result is larger than <see cref="ComputeLimits.ResultBytesMax"/>.</summary>
    public static ComputeRejectedException TooLarge() => new(
        ResultTooLarge,
        string.Create(
            CultureInfo.InvariantCulture, $"the result is larger than {ComputeLimits.ResultBytesMax / (1024 * 1024)} MiB"));
}
