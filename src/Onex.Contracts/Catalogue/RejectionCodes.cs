using System.Collections.Frozen;
using System.Globalization;
using Onex.Operations;

namespace Onex.Contracts.Catalogue;

/// <summary>
/// The codes with which an operation may be rejected, and which can reach a <c>catch</c>. Codes of failed attempts cannot: attempts are
/// retried, and in the end the step fails with a code of the engine.
/// </summary>
public static class RejectionCodes
{
    private static readonly string[] _common = [StepCodes.ArgumentsInvalid, StepCodes.ArgumentsMissing];
    private static readonly FrozenSet<string> _compute = FrozenSet.ToFrozenSet(
        [.. _common, StepCodes.ExpressionFailed, "result_too_large", "patch_failed", "template_failed"], StringComparer.Ordinal);

    private static readonly string[] _sandbox =
        [.. _common, "result_too_large", "result_not_json", "memory_exceeded", "recursion_exceeded"];

    private static readonly FrozenSet<string> _script = FrozenSet.ToFrozenSet(
        [.. _sandbox, "script_invalid", "script_failed", "statements_exceeded"], StringComparer.Ordinal);

    private static readonly FrozenSet<string> _wasm = FrozenSet.ToFrozenSet(
        [.. _sandbox, "module_refused", "module_invalid", "wasm_failed", "wasm_trapped", "fuel_exceeded"], StringComparer.Ordinal);

    // The codes with the prefix "secret_" are about handles of secrets in the arguments.
    private static readonly string[] _effects =
        [.. _common, "secret_handle_invalid", "secret_not_found", "secret_forbidden", "secret_refused"];

    private static readonly FrozenSet<string> _http = FrozenSet.ToFrozenSet(
        [
            .. _effects, "address_refused", "request_too_large", "response_too_large",
            // Of the statuses of final responses, only 300 to 499 can reject.
            .. Enumerable.Range(300, 200).Where(status => HttpStatuses.Classify(status) == HttpAnswer.Rejected).Select(HttpStatuses.Code),
        ],
        StringComparer.Ordinal);

    private static readonly FrozenSet<string> _database = FrozenSet.ToFrozenSet(
        [
            .. _effects, "connection_invalid", "statement_invalid", "parameters_invalid", "columns_invalid", "result_too_large",
            "unique_violation", "foreign_key_violation", "not_null_violation", "check_violation", "exclusion_violation",
            "constraint_violation",
            "raised_exception", "data_exception", "syntax_error", "undefined_table", "undefined_column", "undefined_function",
            "insufficient_privilege",
        ],
        StringComparer.Ordinal);

    private static readonly FrozenSet<string> _query = FrozenSet.ToFrozenSet([.. _database, "read_only"], StringComparer.Ordinal);
    private static readonly FrozenSet<string> _produce = FrozenSet.ToFrozenSet([.. _effects, "topic_refused", "record_refused"],
        StringComparer.Ordinal);

    private static readonly FrozenSet<string> _redis = FrozenSet.ToFrozenSet(
        [
            .. _effects,
            "wrong_type", "not_a_number", "insufficient_privilege", "command_refused", "request_too_large", "result_too_large",
        ],
        StringComparer.Ordinal);

    private static readonly FrozenSet<string> _consul = FrozenSet.ToFrozenSet(
        [
            .. _effects, "address_refused", "result_too_large",
            .. _http.Where(code => code.StartsWith("http_", StringComparison.Ordinal)),
        ],
        StringComparer.Ordinal);

    private static readonly FrozenSet<string> _vault = FrozenSet.ToFrozenSet(
        [
            .. _effects, "cas_mismatch", "insufficient_privilege", "token_not_renewable",
            .. _http.Where(code => code.StartsWith("http_", StringComparison.Ordinal)),
        ],
        StringComparer.Ordinal);

    private static readonly FrozenSet<string> _filesystem = FrozenSet.ToFrozenSet(
        [
            .. _effects, "path_refused", "not_found", "access_denied", "request_too_large", "result_too_large", "operation_unavailable",
        ],
        StringComparer.Ordinal);

    private static readonly FrozenSet<string> _attemptCodes = FrozenSet.ToFrozenSet(
        [
            .. FailureCodes.NotSent, "timeout", "connection_lost", "answer_unreadable", "read_only", StepCodes.OperationFailed,
            StepCodes.StoreMissing,
            "database_unavailable", "statement_canceled", "transaction_timed_out", "lease_lost", "broker_unavailable",
            "redis_unavailable", "filesystem_unavailable", "vault_sealed",
            "time_exceeded", "module_missing", "module_mismatch", "sandbox_died", "sandbox_unavailable",
        ],
        StringComparer.Ordinal);

    /// <summary>The codes of an operation, without <c>sqlstate_...</c> of unnamed PostgreSQL errors; null if they are unknown.</summary>
    public static FrozenSet<string>? For(OperationDescriptor operation) =>
        operation.Package is not null ? ForPlugin(operation)
        : operation.Remote is not null ? null
        : operation.Name == "script.run" ? _script
        : operation.Name == "wasm.run" ? _wasm
        : operation.Role == OperationRole.Compute ? _compute
        : operation.Name.Split('.')[0] switch
        {
            "http" => _http,
            "db" => operation.Name == "db.query" ? _query : _database,
            "kafka" => _produce,
            "redis" => _redis,
            "consul" => _consul,
            "filesystem" => _filesystem,
            "vault" => _vault,
            _ => null,
        };

    private static FrozenSet<string>? ForPlugin(OperationDescriptor operation)
    {
        if (operation.Rejections is not { } declared)
        {
            return null;
        }

        IEnumerable<string> hostCodes = operation.Role == OperationRole.Compute ? [.. _common, "result_too_large"]
            : operation.ConnectionType == "http" ? _http
            : _effects;
        return hostCodes.Concat(declared).ToFrozenSet(StringComparer.Ordinal);
    }

    /// <summary>Whether an operation may be rejected with that code, or its codes are unknown.</summary>
    public static bool Allow(OperationDescriptor operation, string code) =>
        For(operation) is not { } known
        || known.Contains(code)
        || (operation.Name.StartsWith("db.", StringComparison.Ordinal) && code.StartsWith("sqlstate_", StringComparison.Ordinal));

    /// <summary>Whether the code is that of a failed attempt, which is retried: <c>http_503</c>, <c>connection_lost</c>.</summary>
    public static bool IsAttemptCode(string code) =>
        _attemptCodes.Contains(code)
        || (code.StartsWith("http_", StringComparison.Ordinal)
            && int.TryParse(code.AsSpan("http_".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var status)
            && HttpStatuses.Classify(status) == HttpAnswer.Failed);
}
