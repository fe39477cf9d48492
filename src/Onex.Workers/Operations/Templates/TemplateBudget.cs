using System.Globalization;

namespace Onex.Workers.Operations.Templates;

/// <summary>
/// The limits of one rendering. Code that makes text counts its characters here. Code that takes time calls <see cref="Check"/>, so that
/// the rendering ends with its attempt.
/// </summary>
/// <param name="cancellation">Cancelled when the attempt ends.</param>
internal sealed class TemplateBudget(CancellationToken cancellation)
{
    /// <summary>
    /// The maximum number of characters that a rendering makes: its output, and the results of filters and captures. An item of a range
    /// counts as one, an item of a list that a filter makes as several.
    /// </summary>
    public const int CharactersMax = 16 * 1024 * 1024;

    /// <summary>The maximum number of items of a range.</summary>
    public const int RangeMax = 10_000;

    /// <summary>The maximum number of statements that a rendering executes.</summary>
    public const int StepsMax = 100_000;

    private long _charactersLeft = CharactersMax;

    /// <summary>Counts characters, and rejects the step if there are too many. Checks as <see cref="Check"/> does.</summary>
    public void Spend(long characters)
    {
        Check();
        _charactersLeft -= characters;
        if (_charactersLeft < 0)
        {
            throw new ComputeRejectedException(
                ComputeRejectedException.ResultTooLarge,
                string.Create(CultureInfo.InvariantCulture, $"the template makes more than {CharactersMax:N0} characters"));
        }
    }

    /// <summary>Ends the rendering if its attempt has ended.</summary>
    public void Check() => cancellation.ThrowIfCancellationRequested();
}
