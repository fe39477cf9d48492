using CsvHelper;
using CsvHelper.Configuration;
using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Workers.Operations.Csv;

[Operation("csv.format", Description = "Writes rows as comma-separated values (RFC 4180), with a line of column names first.")]
internal sealed class CsvFormat()
    : ComputeOperation<CsvFormatArguments, CsvFormatResult>(CsvJson.Default.CsvFormatArguments, CsvJson.Default.CsvFormatResult)
{
    protected override ValueTask<CsvFormatResult> RunAsync(CsvFormatArguments arguments, ComputeContext context)
    {
        var configuration = CsvParse.Configuration(arguments.Delimiter);
        configuration.InjectionOptions = arguments.EscapeFormulas ? InjectionOptions.Escape : InjectionOptions.None;
        var columns = arguments.Columns
            ?? [.. arguments.Rows.SelectMany(row => row.Keys).Distinct(StringComparer.Ordinal)];
        using var text = new StringWriter();
        using (var writer = new CsvWriter(text, configuration))
        {
            foreach (var column in columns)
            {
                writer.WriteField(column);
            }

            writer.NextRecord();
            foreach (var row in arguments.Rows)
            {
                context.Cancellation.ThrowIfCancellationRequested();
                foreach (var column in columns)
                {
                    writer.WriteField(Text(row.GetValueOrDefault(column)));
                }

                writer.NextRecord();
                if (text.GetStringBuilder().Length > ComputeLimits.ResultBytesMax)
                {
                    throw ComputeRejectedException.TooLarge();
                }
            }
        }

        return new(new CsvFormatResult { Text = text.ToString() });
    }

    private static string Text(CelValue value) => value.Kind switch
    {
        CelKind.Null => "",
        CelKind.String => value.AsString(),
        _ => CelJson.TryToText(value, out var json, out var problem) ? json : throw ComputeRejectedException.Arguments(problem!),
    };
}

internal sealed record CsvFormatArguments
{
    [Argument("The rows. Null and a missing value are written as empty text, a list and a map as JSON.")]
    public required IReadOnlyList<IReadOnlyDictionary<string, CelValue>> Rows { get; init; }

    [Argument("The names of the columns, in order. Stored maps do not keep the order of their fields.", Default = "all")]
    public IReadOnlyList<string>? Columns { get; init; }

    [Argument("The character between two values, such as `;` or a tab.", Default = "`,`")]
    public string? Delimiter { get; init; }

    [Argument("Whether text that a spreadsheet would take for a formula (`=1+1`) gets a `'` before it.", Default = "false")]
    public bool EscapeFormulas { get; init; }
}

internal sealed record CsvFormatResult
{
    [Result("The text; each line ends with CR LF.")]
    public required string Text { get; init; }
}
