using Microsoft.Extensions.Logging;
using Onex.Engine;

namespace Onex.Orchestrator.Routing;

/// <summary>Logs the transitions of sagas, with their ids in scope. Never logs payloads.</summary>
internal static partial class RouterLog
{
    public static void Transitioned(ILogger logger, SagaState saga)
    {
        var level = saga.Status switch
        {
            SagaStatus.Blocked => LogLevel.Warning,
            _ when saga.Leaving?.At is not null => LogLevel.Warning,
            SagaStatus.Failed => LogLevel.Information,
            _ => LogLevel.Debug,
        };
        if (!logger.IsEnabled(level))
        {
            return;
        }

        using var scope = logger.BeginScope(new Dictionary<string, object?>
        {
            ["saga_id"] = saga.Facts.SagaId,
            ["correlation_id"] = saga.Facts.Requester.CorrelationId,
            ["contract"] = saga.Facts.Contract,
        });
        switch (saga.Status)
        {
            case SagaStatus.Blocked:
                Blocked(logger, saga.State, saga.BlockedBecause);
                break;
            case var _ when saga.Leaving is { At: { } at } leaving:
                SlowedDown(logger, leaving.Next, at);
                break;
            case SagaStatus.Failed:
                Failed(logger, saga.State, saga.Fault?.Code);
                break;
            default:
                TransitionCommitted(logger, saga.State, saga.Status);
                break;
        }
    }

    /// <summary>The saga needs an operator: <c>onex sagas why</c> says what can be done.</summary>
    [LoggerMessage(1001, LogLevel.Warning, "The saga is blocked in state {State}: {Reason}")]
    private static partial void Blocked(ILogger logger, string state, string? reason);

    /// <summary>The saga has ended as failed; the code is that of its fault.</summary>
    [LoggerMessage(1002, LogLevel.Information, "The saga has failed in state {State} with {Code}")]
    private static partial void Failed(ILogger logger, string state, string? code);

    /// <summary>The contract repeats states without an event or a wait in between. ONEX_MAX_IDLE_ENTRIES bounds how often.</summary>
    [LoggerMessage(
        1004, LogLevel.Warning,
        "The saga is in a cycle without progress: it enters state {State} again at {At}")]
    private static partial void SlowedDown(ILogger logger, string state, DateTimeOffset at);

    /// <summary>A transition of the saga was committed.</summary>
    [LoggerMessage(1003, LogLevel.Debug, "The saga is in state {State}, {Status}")]
    private static partial void TransitionCommitted(ILogger logger, string state, SagaStatus status);
}
