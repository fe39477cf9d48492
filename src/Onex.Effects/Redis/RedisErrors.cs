using Onex.Contracts.Catalogue;
using Onex.Operations;
using StackExchange.Redis;

namespace Onex.Effects.Redis;

/// <summary>Classifies the errors of Redis. Messages of the server are not passed on, because they may quote keys and values.</summary>
internal static class RedisErrors
{
    /// <summary>Returns the outcome of an attempt that ended with an exception of the client.</summary>
    public static EffectOutcome<TResult> ToOutcome<TResult>(Exception exception, string connection)
        where TResult : class => exception switch
        {
            RedisServerException answer => Classify<TResult>(answer, connection),
            RedisConnectionException when IsAuthentication(exception) => EffectOutcome<TResult>.Failed(
                AttemptReach.NotSent, "authentication_failed",
                $"The Redis of connection '{connection}' does not let its user in: check 'user' and 'password'."),
            RedisConnectionException { CommandStatus: CommandStatus.Sent } => EffectOutcome<TResult>.Failed(
                AttemptReach.Sent, "connection_lost", $"The Redis of connection '{connection}' closed the connection without a response."),
            RedisTimeoutException { Commandstatus: CommandStatus.Sent } => EffectOutcome<TResult>.Failed(
                AttemptReach.Sent, StepCodes.StepTimedOut, $"The Redis of connection '{connection}' did not answer in time."),
            _ => EffectOutcome<TResult>.Failed(
                AttemptReach.NotSent, "connection_failed", $"The Redis of connection '{connection}' cannot be reached."),
        };

    // An error is final unless the state of the server or the login is the problem: then the same command could succeed later.
    private static EffectOutcome<TResult> Classify<TResult>(RedisServerException answer, string connection)
        where TResult : class
    {
        var (isFinal, code, meaning) = answer.Kind switch
        {
            RedisErrorKind.WrongType => (true, "wrong_type", "holds another type of value under this key"),
            RedisErrorKind.NoPermission or RedisErrorKind.NotPermitted =>
                (true, "insufficient_privilege", "does not allow its user this command or key"),
            RedisErrorKind.NoAuth or RedisErrorKind.WrongPass =>
                (false, "authentication_failed", "does not let its user in: check 'user' and 'password'"),

            // The client does not distinguish the errors that Redis marks with ERR, so the text decides.
            RedisErrorKind.UnknownCommand or RedisErrorKind.UnknownError when IsNumberError(answer.Message) =>
                (true, "not_a_number", "holds a value under this key that is no 64-bit integer, or would become none"),
            RedisErrorKind.UnknownCommand or RedisErrorKind.UnknownError when answer.Message.StartsWith("ERR ", StringComparison.Ordinal) =>
                (true, "command_refused", "rejects the command"),
            var kind => (false, "redis_unavailable", $"cannot run the command now ({kind})"),
        };
        var message = $"The Redis of connection '{connection}' {meaning}.";
        return isFinal
            ? EffectOutcome<TResult>.Refused(code, message)
            : EffectOutcome<TResult>.Failed(AttemptReach.Answered, code, message);
    }

    private static bool IsAuthentication(Exception? exception) =>
        exception is not null
        && (exception is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure }
            || IsAuthentication(exception.InnerException));

    private static bool IsNumberError(string message) =>
        message.Contains("not an integer", StringComparison.Ordinal) || message.Contains("would overflow", StringComparison.Ordinal);
}
