using System.Globalization;
using System.Text.Encodings.Web;
using Fluid;
using Fluid.Values;
using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Workers.Operations.Templates;

[Operation("template.render", Description = "Renders a template in the Liquid language. It reads `values`, no files and no clock.")]
internal sealed class TemplateRender()
    : ComputeOperation<TemplateArguments, TemplateResult>(TemplatesJson.Default.TemplateArguments, TemplatesJson.Default.TemplateResult)
{
    /// <summary>The code of a template that cannot be rendered with these values.</summary>
    public const string TemplateFailed = "template_failed";

    // The parser and the rendering are recursive, and a stack overflow would end the process. This stack suffices for this nesting.
    private const int LengthMax = 256 * 1024;
    private const int NestingMax = 2_000;
    private const int StackBytes = 64 * 1024 * 1024;

    private static readonly FluidParser _parser = new();

    // For a text of two million characters, twice, and its JSON. A longer text is rare, and takes memory that others leave free.
    public override long MemoryMax => 16 * 1024 * 1024;

    protected override ValueTask<TemplateResult> RunAsync(TemplateArguments arguments, ComputeContext context)
    {
        CheckNesting(arguments.Template);
        var completion = new TaskCompletionSource<TemplateResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(
            () =>
            {
                try
                {
                    completion.SetResult(new TemplateResult { Text = Render(arguments, new TemplateBudget(context.Cancellation)) });
                }
                catch (OperationCanceledException)
                {
                    completion.SetCanceled(context.Cancellation);
                }
                catch (Exception exception)
                {
                    completion.SetException(exception);
                }
            },
            StackBytes)
        {
            IsBackground = true,
            Name = "onex template",
        }.Start();
        return new(completion.Task);
    }

    private static string Render(TemplateArguments arguments, TemplateBudget budget)
    {
        if (!_parser.TryParse(arguments.Template, out var parsed, out var error))
        {
            throw ComputeRejectedException.Arguments($"'template': {error.Split('\n')[0].TrimEnd('.', '\r')}");
        }

        var options = new TemplateOptions
        {
            CultureInfo = CultureInfo.InvariantCulture,
            MaxSteps = TemplateBudget.StepsMax,
            // Fluid completes incomplete dates from this, so a fixed time makes the same arguments give the same text.
            Now = () => DateTimeOffset.UnixEpoch,
            StrictFilters = true,
            StrictVariables = arguments.Strict ?? true,
            TimeZone = TimeZoneInfo.Utc,
        };
        TemplateFilters.Limit(options.Filters, budget);
        var context = new TemplateContext(options);
        foreach (var (name, value) in arguments.Values ?? new Dictionary<string, CelValue>())
        {
            context.SetValue(name, ToFluid(value));
        }

        using var text = new TemplateWriter(budget);
        try
        {
            var template = new TemplateRewriter(budget).VisitTemplate(parsed);
            var rendering = template.RenderAsync(
                text, context, arguments.Html == true ? HtmlEncoder.Default : NullEncoder.Default, isolateContext: false);
            rendering.AsTask().GetAwaiter().GetResult();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArithmeticException or ArgumentException
            or FormatException or InvalidCastException or IOException or FluidException)
        {
            // Fluid reports too many steps as a level of recursion.
            throw new ComputeRejectedException(
                TemplateFailed,
                exception.Message.Contains("maximum level of recursion", StringComparison.Ordinal)
                    ? string.Create(CultureInfo.InvariantCulture, $"the template takes more than {TemplateBudget.StepsMax:N0} steps")
                    : exception.Message.TrimEnd('.'));
        }

        return text.ToString();
    }

    private static void CheckNesting(string template)
    {
        if (template.Length > LengthMax)
        {
            throw ComputeRejectedException.Arguments(string.Create(
                CultureInfo.InvariantCulture, $"'template' is longer than {LengthMax:N0} characters"));
        }

        // Only these nest, so their number bounds the depth.
        foreach (var part in new[] { "{%", "[", "|", "(", " and", " or" })
        {
            if (template.AsSpan().Count(part) > NestingMax)
            {
                throw ComputeRejectedException.Arguments(string.Create(
                    CultureInfo.InvariantCulture, $"'template' has more than {NestingMax:N0} times '{part.Trim()}'"));
            }
        }
    }

    private static FluidValue ToFluid(CelValue value) => value.Kind switch
    {
        CelKind.Null => NilValue.Instance,
        CelKind.Bool => BooleanValue.Create(value.AsBool()),
        CelKind.Int => NumberValue.Create(value.AsInt()),
        CelKind.Uint => NumberValue.Create(value.AsUint()),
        // Fluid computes with decimals, which end at about 7.9e28. A double from 1e28 on becomes text.
        CelKind.Double when Math.Abs(value.AsDouble()) < 1e28 => NumberValue.Create((decimal)value.AsDouble()),
        CelKind.List => new ArrayValue([.. value.AsList().Select(ToFluid)]),
        CelKind.Map => new DictionaryValue(new FluidValueDictionaryFluidIndexable(
            value.AsMap().ToDictionary(field => field.Key, field => ToFluid(field.Value), StringComparer.Ordinal))),
        _ => new StringValue(value.ToString()),
    };
}

internal sealed record TemplateArguments
{
    [Argument("The template: `Dear {{ name }},`. At most 262,144 characters.")]
    public required string Template { get; init; }

    [Argument("The values that it reads, by name.", Default = "none")]
    public IReadOnlyDictionary<string, CelValue>? Values { get; init; }

    [Argument("Whether values are escaped for HTML.", Default = "false")]
    public bool? Html { get; init; }

    [Argument("Whether reading a name without a value is an error, not empty text.", Default = "true")]
    public bool? Strict { get; init; }
}

internal sealed record TemplateResult
{
    [Result("The text.")]
    public required string Text { get; init; }
}
