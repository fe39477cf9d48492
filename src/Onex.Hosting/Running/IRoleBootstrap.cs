namespace Onex.Hosting.Running;

/// <summary>
/// A step of a role's start that may take long: contracts, database, topics. Registered as services; they run in the order of their
/// registration, once HTTP listens and before any other service of the role starts.
/// </summary>
public interface IRoleBootstrap
{
    /// <summary>Its name in the log line when it has to wait: "The database".</summary>
    string Name { get; }

    /// <summary>
    /// Runs the step. Throws <see cref="ConfigurationException"/> if somebody must correct the configuration, and
    /// <see cref="NotReachableException"/> for a temporary problem, after which it is called again. Any other exception is a crash.
    /// </summary>
    Task StartAsync(CancellationToken cancellation);
}

/// <summary>A problem that must be corrected before the role can start: exit code 78.</summary>
public sealed class ConfigurationException : Exception
{
    /// <summary>With a default message.</summary>
    public ConfigurationException()
        : this("The configuration is invalid.")
    {
    }

    /// <summary>With one line: problem, place and remedy.</summary>
    public ConfigurationException(string line)
        : this(line, null)
    {
    }

    /// <summary>With one line and its cause.</summary>
    public ConfigurationException(string line, Exception? inner)
        : base(line, inner) => Lines = [line];

    /// <summary>With several lines.</summary>
    public ConfigurationException(IReadOnlyList<string> lines)
        : base(string.Join('\n', lines)) => Lines = lines;

    /// <summary>The lines for stderr.</summary>
    public IReadOnlyList<string> Lines { get; }
}

/// <summary>An external system that cannot be reached at the moment.</summary>
public sealed class NotReachableException(string message, Exception? inner) : Exception(message, inner)
{
    /// <summary>With a default message.</summary>
    public NotReachableException()
        : this("It cannot be reached.", null)
    {
    }

    /// <summary>With a message.</summary>
    public NotReachableException(string message)
        : this(message, null)
    {
    }
}
