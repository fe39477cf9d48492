using System.Globalization;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>Evaluates the arguments of calls, and rejects those that must not be sent to a remote worker.</summary>
internal static class CallArguments
{
    /// <summary>Evaluates the arguments. False, with a code and the reason, if that fails or they must not be sent.</summary>
    public static bool TryEvaluate(
        Invocation invocation, IExpressionScope scope, out RawJson arguments, out string code, out string? problem)
    {
        code = StepCodes.ExpressionFailed;
        if (!ValueJson.TryEvaluate(invocation.Arguments, scope, out arguments, out problem))
        {
            return false;
        }

        if (invocation.Topic is null)
        {
            return true;
        }

        // A remote worker can neither resolve a handle nor load arguments from the database.
        if (SecretHandles.AreIn(arguments.Utf8.Span))
        {
            code = StepCodes.SecretNotSent;
            problem = "they hold the handle of a secret, which must not leave Onex, but "
                + $"'{invocation.Operation}' is run by a remote worker. Use the secret in an effect of Onex, or give the worker "
                + "its own access to it.";
        }
        else if (arguments.Utf8.Length > MessageSizes.RemoteMax)
        {
            code = StepCodes.ArgumentsTooLarge;
            problem = string.Create(
                CultureInfo.InvariantCulture,
                $"they have {arguments.Utf8.Length:N0} bytes, but '{invocation.Operation}' is run by a remote worker, to which "
                    + $"{MessageSizes.RemoteMax:N0} can be sent. Store the data elsewhere and pass its address.");
        }

        return problem is null;
    }
}
