using Onex.Tests.MockKafka;

// Prints the address of a mock cluster, then creates a topic for each line `NAME PARTITIONS` of its input and answers `ok` or the reason.
// Ends with its input: the kernel closes that with the test run, however the run ends.
using var cluster = MockCluster.Start();
Console.WriteLine(cluster.BootstrapServers);
while (Console.ReadLine() is { } line)
{
    var words = line.Split(' ');
    Console.WriteLine(cluster.CreateTopic(words[0], int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture)) ?? "ok");
}
