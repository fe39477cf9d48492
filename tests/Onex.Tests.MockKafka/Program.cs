using Onex.Tests.MockKafka;

// Prints the address of a mock cluster, then creates a topic for each line `NAME PARTITIONS` of its input and prints `ok` or the error.
// Ends with its input, which the kernel closes at the end of the test run.
using var cluster = MockCluster.Start();
Console.WriteLine(cluster.BootstrapServers);
while (Console.ReadLine() is { } line)
{
    var words = line.Split(' ');
    Console.WriteLine(cluster.CreateTopic(words[0], int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture)) ?? "ok");
}
