// The order as a Wolverine saga, and the driver that sends orders to it through Kafka.
// Usage: Orders create|serve|drive|delete NAME. The topics are NAME.requests and NAME.responses.
using System.Text.Json;
using JasperFx.Resources;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Wolverine;
using Wolverine.Kafka;
using Wolverine.Postgresql;
using Wolverine.RDBMS;

// The most calls of the echo service at a time.
const int Parallel = 64;

var (kafka, requests, responses) = (Variable("KAFKA_BOOTSTRAP_SERVERS"), $"{args[1]}.requests", $"{args[1]}.responses");
if (args[0] != "serve")
{
    using var driver = new Driver(kafka, requests, responses);
    await (args[0] switch
    {
        "create" => driver.CreateTopicsAsync(),
        "drive" => driver.MeasureAsync(),
        _ => driver.DeleteTopicsAsync(),
    });
    return;
}

var database = new Uri(Variable("DATABASE_URL"));
var json = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
var builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.AddSingleton(new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = Parallel })
{
    BaseAddress = new(Variable("ECHO_URL")),
});
builder.UseWolverine(options =>
{
    options.UseRuntimeCompilation();
    options.PersistMessagesWithPostgresql(
        $"Host={database.Host};Port={database.Port};Username={database.UserInfo.Replace(":", ";Password=")};"
        + $"Database={database.AbsolutePath.Trim('/')}");
    options.Policies.AutoApplyTransactions();
    options.Policies.AllLocalQueues(queue => queue.UseDurableInbox().MaximumParallelMessages(Parallel));

    // Otherwise the first orders create the table of sagas at the same time, and those that fail become dead letters without a retry.
    options.AddSagaType<OrderSaga>();
    options.Services.AddResourceSetupOnStartup();

    options.UseKafka(kafka).ConfigureConsumers(consumer => consumer.GroupId = requests).BeginAtEarliest();
    options.ListenToKafkaTopic(requests).ReceiveRawJson(typeof(StartOrder), json).UseDurableInbox().MaximumParallelMessages(Parallel);

    // By default a response alone waits 250 ms for others.
    options.PublishMessage<OrderDone>().ToKafkaTopic(responses).PublishRawJson(json).UseDurableOutbox()
        .MessageBatchTimeout(TimeSpan.FromMilliseconds(5));
});
await builder.Build().RunAsync();

static string Variable(string name) =>
    Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException($"{name} is not set");
