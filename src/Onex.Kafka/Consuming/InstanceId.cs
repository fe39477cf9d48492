using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Onex.Kafka.Consuming;

/// <summary>
/// The name of a static member of a group: the machine's name, and the number of the group's first file in the temporary folder that no
/// other process has locked. A process that is killed frees its file, so the process that replaces it has the same name.
/// </summary>
internal sealed class InstanceId : IDisposable
{
    // More processes of one group on a machine are members without a name.
    private const int NumbersMax = 64;

    // Kafka allows 249 characters for the whole name.
    private const int HostLengthMax = 200;

    private readonly FileStream _lock;

    private InstanceId(string value, FileStream @lock) => (Value, _lock) = (value, @lock);

    public string Value { get; }

    /// <summary>Takes a name, until it is disposed of; null if the folder does not exist, or the file of no number can be locked.</summary>
    /// <param name="group">The group.</param>
    /// <param name="folder">The folder, which all processes of the machine share.</param>
    /// <param name="machine">The machine's name.</param>
    public static InstanceId? Take(string group, string folder, string machine)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(group)))[..16];
        var host = string.Concat(machine.Take(HostLengthMax).Select(
            character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' ? character : '_'));
        for (var number = 0; number < NumbersMax; number++)
        {
            var text = number.ToString(CultureInfo.InvariantCulture);
            try
            {
                var file = new FileStream(
                    Path.Combine(folder, $"onex-{name}-{text}.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                return new InstanceId($"{host}-{text}", file);
            }
            catch (DirectoryNotFoundException)
            {
                return null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another process has it, or another user.
            }
        }

        return null;
    }

    public void Dispose() => _lock.Dispose();
}
