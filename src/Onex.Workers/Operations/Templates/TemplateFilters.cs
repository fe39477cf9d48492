using Fluid;
using Fluid.Values;

namespace Onex.Workers.Operations.Templates;

/// <summary>Limits the filters of Fluid to the budget of a rendering, and takes the clock from them.</summary>
internal static class TemplateFilters
{
    // The memory of an item of a list, in characters.
    private const long CharactersPerItem = 16;

    /// <summary>
    /// Makes every filter count its result. Filters whose results can be far larger than their arguments also count before they run.
    /// </summary>
    public static void Limit(FilterCollection filters, TemplateBudget budget)
    {
        foreach (var (name, filter) in filters.ToList())
        {
            filters.AddFilter(name, async (input, arguments, context) =>
            {
                budget.Check();
                var text = input is StringValue ? input.ToStringValue() : "";
                switch (name)
                {
                    case "replace":
                        budget.Spend(CountParts(text, arguments.At(0).ToStringValue()) * arguments.At(1).ToStringValue().Length);
                        break;
                    case "join":
                        budget.Spend(input.Enumerate(context).Sum(item => Size(item) + (long)arguments.At(0).ToStringValue().Length));
                        break;
                    case "split":
                        budget.Spend(CountParts(text, arguments.At(0).ToStringValue()) * CharactersPerItem);
                        break;
                    case "date" or "format_date" or "time_zone" when text is "now" or "today":
                        throw new ComputeRejectedException(
                            TemplateRender.TemplateFailed, "a template has no clock: pass the time in 'values'");
                }

                var result = await filter(input, arguments, context);
                budget.Spend(Size(result));
                return result;
            });
        }
    }

    // The number of times that a part occurs in a text, plus one. An empty part occurs before every character.
    private static long CountParts(string text, string part)
    {
        if (part.Length == 0)
        {
            return text.Length + 1;
        }

        long count = 1;
        var at = text.IndexOf(part, StringComparison.Ordinal);
        while (at >= 0)
        {
            count++;
            at = text.IndexOf(part, at + part.Length, StringComparison.Ordinal);
        }

        return count;
    }

    private static long Size(FluidValue value) => value switch
    {
        StringValue text => text.ToStringValue().Length,
        ArrayValue list => list.Values.Count * CharactersPerItem,
        _ => 1,
    };
}
