using System.Diagnostics.Metrics;
using Onex.Metrics;

namespace Onex.Tests.Unit.Metrics;

/// <summary>Listens to one meter and adds up what it measures, by metric and label values.</summary>
internal sealed class MetricReader : IDisposable
{
    private readonly Lock _lock = new();
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, (double Sum, int Count)> _series = [];

    public MetricReader(OnexMeter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == meter.Meter)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>The series so far, each as <c>name{value,value}</c>, with the sum of its values; a gauge with its present value.</summary>
    public IReadOnlyDictionary<string, double> Sums() => Read().ToDictionary(entry => entry.Key, entry => entry.Value.Sum);

    /// <summary>Likewise with the number of values.</summary>
    public IReadOnlyDictionary<string, int> Counts() => Read().ToDictionary(entry => entry.Key, entry => entry.Value.Count);

    public void Dispose() => _listener.Dispose();

    private KeyValuePair<string, (double Sum, int Count)>[] Read()
    {
        _listener.RecordObservableInstruments();
        lock (_lock)
        {
            return [.. _series];
        }
    }

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new List<string?>();
        foreach (var tag in tags)
        {
            labels.Add(tag.Value as string);
        }

        var name = $"{instrument.Name}{{{string.Join(',', labels)}}}";
        lock (_lock)
        {
            var (sum, count) = _series.GetValueOrDefault(name);
            _series[name] = instrument.IsObservable ? (value, 1) : (sum + value, count + 1);
        }
    }
}
