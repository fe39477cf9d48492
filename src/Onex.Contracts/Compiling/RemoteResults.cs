using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Schemas;

namespace Onex.Contracts.Compiling;

/// <summary>Checks values of remote operations outside of a saga.</summary>
public static class RemoteResults
{
    /// <summary>Why a result does not fit the declaration, or null.</summary>
    public static string? Problem(OperationDescriptor operation, ReadOnlySpan<byte> json) =>
        CelValue.FromJson(json) is var value && value.IsError ? value.AsError()
        : StepReader.ResultOf(operation).TryConvert(value, out _, out var problem) ? null
        : problem!.ToString();

    /// <summary>Arguments of the declared types, to begin with.</summary>
    public static string SampleArguments(OperationDescriptor operation) => SampleJson.Create(new DataType.Fields(
        [.. operation.Arguments.Select(argument => KeyValuePair.Create(argument.Name, DataTypeReader.Parse(argument.Type)))]));
}
