using Onex.Kafka;
using Onex.Kafka.Brokers;

namespace Onex.Tests.Unit.Kafka.Brokers;

public sealed class BrokerAdminTests
{
    [Fact]
    public void A_client_that_could_not_be_created_is_created_once_its_certificate_is_there()
    {
        using var certificates = new TestCertificates();
        using var admin = new BrokerAdmin(new KafkaSettings
        {
            BootstrapServers = "127.0.0.1:9", ClientId = "onex-main", SecurityProtocol = "SSL", SslCaFile = certificates.CaFile,
        });
        File.Move(certificates.CaFile, certificates.CaFile + ".away");
        Assert.Throws<InvalidOperationException>(() => admin.Client);

        File.Move(certificates.CaFile + ".away", certificates.CaFile);

        Assert.Same(admin.Client, admin.Client);
    }
}
