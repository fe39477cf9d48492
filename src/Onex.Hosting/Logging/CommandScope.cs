using System.Collections;
using Onex.Contracts.Messages;

namespace Onex.Hosting.Logging;

/// <summary>The fields of every log line about a command. They are created only when a line is written.</summary>
/// <param name="command">The command.</param>
public sealed class CommandScope(StepCommand command) : IEnumerable<KeyValuePair<string, object?>>
{
    /// <inheritdoc />
    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        yield return new("saga_id", command.SagaId);
        yield return new("correlation_id", command.CorrelationId);
        yield return new("command_id", command.CommandId);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
