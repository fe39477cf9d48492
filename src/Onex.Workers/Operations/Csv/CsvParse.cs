using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using Onex.Contracts.Text;
using Onex.Operations;

namespace Onex.Workers.Operations.Csv;

[Operation("csv.parse", Description = "Reads rows of comma-separated values (RFC 4180). All values are text; empty lines are skipped.")]
internal sealed class CsvParse()
    : ComputeOperation<CsvParseArguments, CsvParseResult>(CsvJson.Default.CsvParseArguments, CsvJson.Default.CsvParseResult)
{
    // The arguments are one text, but the result has a map for each line and a string for each value, however short it is.
    public override int MemoryPerByte => 60;

    protected override ValueTask<CsvParseResult> RunAsync(CsvParseArguments arguments, ComputeContext context)
    {
        using var text = new StringReader(arguments.Text);
        using var parser = new CsvParser(text, Configuration(arguments.Delimiter));
        try
        {
            var columns = arguments.Columns ?? (parser.Read() ? parser.Record! : []);
            if (columns.GroupBy(column => column, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } duplicate)
            {
                throw ComputeRejectedException.Arguments($"the column '{duplicate.Key}' is there twice");
            }

            var rows = new List<IReadOnlyDictionary<string, string>>();
            while (parser.Read())
            {
                context.Cancellation.ThrowIfCancellationRequested();
                var values = parser.Record!;
                if (values.Length != columns.Count)
                {
                    var (found, needed) = (Plural.Format(values.Length, "value"), Plural.Format(columns.Count, "column"));
                    throw ComputeRejectedException.Arguments(string.Create(
                        CultureInfo.InvariantCulture, $"line {parser.RawRow} has {found} for {needed}"));
                }

                rows.Add(columns.Zip(values).ToDictionary(value => value.First, value => value.Second, StringComparer.Ordinal));
            }

            return new(new CsvParseResult { Columns = columns, Rows = rows, Count = rows.Count });
        }
        catch (CsvHelperException)
        {
            throw ComputeRejectedException.Arguments(string.Create(
                CultureInfo.InvariantCulture, $"line {parser.RawRow} has a quote in the wrong place"));
        }
    }

    /// <summary>The configuration of both operations. Null is the delimiter <c>,</c>.</summary>
    internal static CsvConfiguration Configuration(string? delimiter)
    {
        delimiter ??= ",";
        return delimiter.Length != 1 || delimiter is "\"" or "\r" or "\n"
            ? throw ComputeRejectedException.Arguments("'delimiter' must be one character other than '\"' and the end of a line")
            : new(CultureInfo.InvariantCulture) { Delimiter = delimiter, HasHeaderRecord = false };
    }
}

internal sealed record CsvParseArguments
{
    [Argument("The text.")]
    public required string Text { get; init; }

    [Argument("The names of the columns.", Default = "the first line")]
    public IReadOnlyList<string>? Columns { get; init; }

    [Argument("The character between two values, such as `;` or a tab.", Default = "`,`")]
    public string? Delimiter { get; init; }
}

internal sealed record CsvParseResult
{
    [Result("The names of the columns.")]
    public required IReadOnlyList<string> Columns { get; init; }

    [Result("The rows: a value for each column.")]
    public required IReadOnlyList<IReadOnlyDictionary<string, string>> Rows { get; init; }

    [Result("The number of rows.")]
    public required int Count { get; init; }
}
