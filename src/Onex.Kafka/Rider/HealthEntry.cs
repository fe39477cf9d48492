using MassTransit;
using MassTransit.Configuration;
using MassTransit.Transports;

namespace Onex.Kafka.Rider;

/// <summary>Creates the entry of an endpoint of the rider in the health of the bus. The entry receives no messages.</summary>
internal static class HealthEntry
{
    public static IReceiveEndpoint Create(IBusInstance bus, string path)
    {
        var host = bus.HostConfiguration;
        var configuration = new Configuration(bus, host.CreateReceiveEndpointConfiguration(path, null), new Uri(host.HostAddress, path));
        var context = (Context)configuration.CreateReceiveEndpointContext();
        return new ReceiveEndpoint(new NoTransport(context), context);
    }

    private sealed class Configuration(IBusInstance bus, IReceiveEndpointConfiguration configuration, Uri address)
        : ReceiveEndpointConfiguration(bus.HostConfiguration, configuration), IReceiveEndpointConfigurator
    {
        public override Uri HostAddress => bus.HostConfiguration.HostAddress;

        public override Uri InputAddress => address;

        public override ReceiveEndpointContext CreateReceiveEndpointContext()
        {
            ApplySpecifications(new ReceiveEndpointBuilder(this));
            return new Context(bus, this);
        }
    }

    private sealed class Context(IBusInstance bus, IReceiveEndpointConfiguration configuration)
        : BaseReceiveEndpointContext(bus.HostConfiguration, configuration)
    {
        public override void AddSendAgent(IAgent agent) => throw NoTransportHere();

        public override void AddConsumeAgent(IAgent agent) => throw NoTransportHere();

        public override Exception ConvertException(Exception exception, string message) => exception;

        protected override ISendEndpointProvider CreateSendEndpointProvider() => bus.Bus;

        protected override IPublishEndpointProvider CreatePublishEndpointProvider() => bus.Bus;

        protected override ISendTransportProvider CreateSendTransportProvider() => throw NoTransportHere();

        protected override IPublishTransportProvider CreatePublishTransportProvider() => throw NoTransportHere();

        private NotSupportedException NoTransportHere() => new($"{InputAddress} has no transport.");
    }

    private sealed class NoTransport(Context context) : IReceiveTransport
    {
        public ReceiveTransportHandle Start() => throw new NotSupportedException($"{context.InputAddress} has no transport.");

        public void Probe(ProbeContext probe) => context.Probe(probe);

        public ConnectHandle ConnectReceiveObserver(IReceiveObserver observer) => context.ConnectReceiveObserver(observer);

        public ConnectHandle ConnectReceiveTransportObserver(IReceiveTransportObserver observer) =>
            context.ConnectReceiveTransportObserver(observer);

        public ConnectHandle ConnectPublishObserver(IPublishObserver observer) => context.ConnectPublishObserver(observer);

        public ConnectHandle ConnectSendObserver(ISendObserver observer) => context.ConnectSendObserver(observer);
    }
}
