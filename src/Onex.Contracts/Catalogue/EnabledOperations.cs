namespace Onex.Contracts.Catalogue;

/// <summary>Which operations a runtime serves, by the setting <c>handlers.enabled</c>.</summary>
public static class EnabledOperations
{
    private static readonly string[] _offByDefault = ["script.run", "wasm.run"];

    /// <summary>Whether an operation is off unless <c>handlers.enabled</c> names its prefix, because it runs code.</summary>
    public static bool MustBeNamed(string operation) => _offByDefault.Contains(operation, StringComparer.Ordinal);

    /// <summary>Whether the runtime serves an operation.</summary>
    /// <param name="enabled">The prefixes in <c>handlers.enabled</c>, or null if it is not set.</param>
    /// <param name="operation">The operation.</param>
    public static bool Includes(IReadOnlyList<string>? enabled, string operation) => enabled is null
        ? !MustBeNamed(operation)
        : enabled.Select(OperationAliases.ResolvePrefix).Contains(operation.Split('.')[0], StringComparer.Ordinal);
}
