using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;
using Onex.Operations;

namespace Onex.Contracts.Compiling;

/// <summary>Reads <c>emit</c> steps, which write a record to a topic.</summary>
internal sealed class EmitReader(ContractScope scope, TemplateReader templates)
{
    /// <summary>The step; null after reporting a missing topic or value. <c>id</c> is its id or position; null if it is no text.</summary>
    public EmitStep? Read(MapSyntax map, string? id, ImmutableArray<CatchRule> rules)
    {
        var topic = ReadTopic(map.Find("emit")!);
        if (!map.Has("with"))
        {
            scope.Report(ContractDiagnostics.MissingKey(
                map.At, "a step that emits", "with", "Add 'with: { key: \"${input.id}\", value: { ... } }'."));
        }

        if (scope.Map(map.Find("with"), "'with'") is not { } with)
        {
            return null;
        }

        scope.CheckKeys(with, Keys.Emitted);
        if (!with.Has("value"))
        {
            scope.Report(ContractDiagnostics.MissingKey(
                with.At, "'with' of a step that emits", "value", "Add 'value: { ... }': the record's value, as JSON."));
        }

        var key = with.Find("key") is { } keyed
            ? templates.Read(keyed, DataTypeReader.Parse("string"),
                new TemplateRules(ExpressionPlace.Step, "key", ArgumentFilling.Value))
            : null;
        return with.Find("value") is { } value && topic is not null
            ? new EmitStep
            {
                Id = id ?? "",
                Topic = topic,
                Key = key,
                Value = templates.Read(value, DataType.Any, new TemplateRules(ExpressionPlace.Step, "value", ArgumentFilling.Value)),
                Catch = rules,
            }
            : null;
    }

    // A topic must be constant, so that it can be created before a saga writes to it.
    private string? ReadTopic(SyntaxNode node)
    {
        if (scope.Text(node, "'emit'") is not { } topic)
        {
            return null;
        }

        if (topic.Text.Contains("${", StringComparison.Ordinal))
        {
            scope.Report(ContractDiagnostics.ExpressionInConstant(topic.At, "emit"));
        }
        else
        {
            CheckTopic(scope, topic);
        }

        return topic.Text;
    }

    /// <summary>Reports an invalid topic, and one that steps must not write to.</summary>
    public static void CheckTopic(ContractScope scope, ScalarSyntax topic)
    {
        if (!Names.IsTopic(topic.Text))
        {
            scope.Report(ContractDiagnostics.BadTopic(topic.At, topic.Text));
        }
        else if (Names.IsOwnTopic(topic.Text))
        {
            scope.Report(ContractDiagnostics.OwnTopic(topic.At, topic.Text));
        }
    }
}
