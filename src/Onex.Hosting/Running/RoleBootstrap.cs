namespace Onex.Hosting.Running;

/// <summary>
/// A part of a role's start that may take its time: contracts, database, topics. Registered as services; run one after the other, in the
/// order of their registration, when HTTP listens already, and before anything else of the role starts.
/// </summary>
public interface IRoleBootstrap
{
    /// <summary>What it is, for the log line when it has to wait: "the database".</summary>
    string Name { get; }

    /// <summary>
    /// Does it. Throws <see cref="ConfigurationException"/> for what a person must correct, and <see cref="NotReachableException"/> for
    /// what may come back by itself: then it is called again. Anything else is a crash.
    /// </summary>
    Task StartAsync(CancellationToken cancellation);
}

/// <summary>Something that a person must correct before the role can start: exit code 78.</summary>
public sealed class ConfigurationException : Exception
{
    /// <summary>With no text of its own.</summary>
    public ConfigurationException()
        : this("The configuration is wrong.")
    {
    }

    /// <summary>With one line: what, where, and what to do.</summary>
    public ConfigurationException(string line)
        : this(line, null)
    {
    }

    /// <summary>With one line and its cause.</summary>
    public ConfigurationException(string line, Exception? inner)
        : base(line, inner) => Lines = [line];

    /// <summary>With several.</summary>
    public ConfigurationException(IReadOnlyList<string> lines)
        : base(string.Join('\n', lines)) => Lines = lines;

    /// <summary>For stderr.</summary>
    public IReadOnlyList<string> Lines { get; }
}

/// <summary>An outside system that cannot be reached now.</summary>
public sealed class NotReachableException(string message, Exception? inner) : Exception(message, inner)
{
    /// <summary>With no text of its own.</summary>
    public NotReachableException()
        : this("It cannot be reached.", null)
    {
    }

    /// <summary>With a text.</summary>
    public NotReachableException(string message)
        : this(message, null)
    {
    }
}
