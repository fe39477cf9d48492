using System.Text;
using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>Evaluation of templates.</summary>
public static class TemplateEvaluation
{
    /// <summary>
    /// Evaluates a template. If an expression fails, the result is an error with the text of the expression. <see cref="CelText"/> formats
    /// the values inside text, where null is an error, because an empty text in its place would make another path, key or name.
    /// </summary>
    public static CelValue Evaluate(this Template template, IExpressionScope scope) => template switch
    {
        Template.Constant constant => constant.Value,
        Template.Single single => EvaluateSingle(single, scope),
        Template.Text text => EvaluateText(text, scope),
        Template.List list => EvaluateList(list, scope),
        Template.Map map => EvaluateMap(map, scope),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static CelValue EvaluateSingle(Template.Single single, IExpressionScope scope)
    {
        var value = single.Expression.Evaluate(scope);
        return value.IsError ? Failure(single.Expression, value.AsError())
            : single.IsText && value.Kind == CelKind.Null ? Failure(single.Expression, "null is not text")
            : value;
    }

    private static CelValue EvaluateText(Template.Text template, IExpressionScope scope)
    {
        var text = new StringBuilder();
        var inPath = template.IsAddress;
        foreach (var part in template.Parts)
        {
            text.Append(part.Literal);
            inPath &= part.Literal?.Contains('?', StringComparison.Ordinal) != true;
            if (part.Expression is not { } expression)
            {
                continue;
            }

            if (!CelText.TryToText(expression.Evaluate(scope), out var inserted, out var problem))
            {
                return Failure(expression, problem!);
            }

            if (inPath && inserted.Length == 0)
            {
                return Failure(expression, "the value is empty, and a path without it names something else");
            }

            text.Append(template.PercentEncoded ? Uri.EscapeDataString(inserted) : inserted);
        }

        return CelValue.String(text.ToString());
    }

    private static CelValue EvaluateList(Template.List template, IExpressionScope scope)
    {
        var items = new CelValue[template.Items.Length];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = template.Items[i].Evaluate(scope);
            if (items[i].IsError)
            {
                return items[i];
            }
        }

        return CelValue.List(items);
    }

    private static CelValue EvaluateMap(Template.Map template, IExpressionScope scope)
    {
        var map = new CelMap(template.Entries.Length);
        foreach (var (key, part) in template.Entries)
        {
            var value = part.Evaluate(scope);
            if (value.IsError)
            {
                return value;
            }

            map.Set(CelValue.String(key), value);
        }

        return CelValue.Map(map);
    }

    private static CelValue Failure(Expression expression, string problem) => CelValue.Error($"{problem}, in {expression.Text}");
}
