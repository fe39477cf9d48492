using System.Globalization;
using System.Text.Encodings.Web;
using Fluid;
using Fluid.Ast;
using Fluid.Values;

namespace Onex.Workers.Operations.Templates;

/// <summary>Replaces the parts of a parsed template that could take time or memory without a bound.</summary>
/// <param name="budget">The budget of the rendering.</param>
internal sealed class TemplateRewriter(TemplateBudget budget) : AstRewriter
{
    // Fluid makes a list of all items of a range, however long: (1..2000000000).
    protected override Expression VisitRangeExpression(RangeExpression rangeExpression) =>
        new CheckedExpression(new RangeExpression(rangeExpression.From, rangeExpression.To), async context =>
        {
            var from = (await rangeExpression.From.EvaluateAsync(context)).ToNumberValue();
            var to = (await rangeExpression.To.EvaluateAsync(context)).ToNumberValue();
            if (to - from >= TemplateBudget.RangeMax)
            {
                throw new ComputeRejectedException(
                    ComputeRejectedException.ResultTooLarge,
                    string.Create(CultureInfo.InvariantCulture, $"a range has more than {TemplateBudget.RangeMax:N0} items"));
            }

            budget.Spend(Math.Max(0, (long)(to - from)));
        });

    // Fluid would collect the text without a limit.
    protected override Statement VisitCaptureStatement(CaptureStatement captureStatement) =>
        new BudgetedCapture((CaptureStatement)base.VisitCaptureStatement(captureStatement), budget);

    // Fluid counts statements, but not their time, and one statement can compare long texts. Long texts are values of variables, so each
    // read of a variable checks whether the attempt has ended.
    protected override Expression VisitMemberExpression(MemberExpression memberExpression) =>
        new CheckedExpression(base.VisitMemberExpression(memberExpression), context =>
        {
            budget.Check();
            return default;
        });

    private sealed class CheckedExpression(Expression inner, Func<TemplateContext, ValueTask> check) : Expression
    {
        public override async ValueTask<FluidValue> EvaluateAsync(TemplateContext context)
        {
            await check(context);
            return await inner.EvaluateAsync(context);
        }
    }

    private sealed class BudgetedCapture(CaptureStatement inner, TemplateBudget budget) : Statement
    {
        public override async ValueTask<Completion> WriteToAsync(TextWriter writer, TextEncoder encoder, TemplateContext context)
        {
            await using var text = new TemplateWriter(budget);
            var completion = Completion.Normal;
            foreach (var statement in inner.Statements)
            {
                completion = await statement.WriteToAsync(text, encoder, context);
                if (completion != Completion.Normal)
                {
                    break;
                }
            }

            // The text is encoded already.
            context.SetValue(inner.Identifier, new StringValue(text.ToString(), encode: false));
            return completion;
        }
    }
}
