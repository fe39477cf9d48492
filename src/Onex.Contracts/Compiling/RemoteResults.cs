using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Schemas;

namespace Onex.Contracts.Compiling;

/// <summary>Checks and creates values of remote operations, for tools that run without a saga.</summary>
public static class RemoteResults
{
    /// <summary>Why a result does not fit the declaration, or null.</summary>
    public static string? Problem(OperationDescriptor operation, ReadOnlySpan<byte> json)
    {
        var value = CelValue.FromJson(json);
        return value.IsError ? value.AsError()
            : StepReader.ResultOf(operation).TryConvert(value, out _, out var problem) ? null
            : problem!.ToString();
    }

    /// <summary>Sample arguments of the declared types, as JSON, for the user to edit.</summary>
    public static string SampleArguments(OperationDescriptor operation) => SampleJson.Create(new DataType.Fields(
        [.. operation.Arguments.Select(argument => KeyValuePair.Create(argument.Name, DataTypeReader.Parse(argument.Type)))]));
}
