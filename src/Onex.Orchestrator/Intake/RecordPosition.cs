using System.Runtime.InteropServices;
using Onex.Kafka.Records;

namespace Onex.Orchestrator.Intake;

/// <summary>
/// The position of a record in the form of <see cref="Engine.Requester.Source"/>: <c>topic/partition/offset</c>, followed by the id of
/// the dead letter that the record was redriven from, if any.
/// </summary>
/// <param name="Topic">The record's topic.</param>
/// <param name="Partition">The record's partition.</param>
/// <param name="Offset">The record's offset.</param>
/// <param name="RedrivenFrom">The dead letter, which is opened again if the record is rejected again; null if none was redriven.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RecordPosition(string Topic, int Partition, long Offset, Guid? RedrivenFrom = null)
{
    public static RecordPosition From(ConsumedRecord record, Guid? redrivenFrom = null) =>
        new(record.Topic, record.Partition, record.Offset, redrivenFrom);

    /// <summary>The position in a source; null for requests over HTTP and of schedules, because they come from no record.</summary>
    public static RecordPosition? Parse(string source) =>
        source.Split('/') is [var topic, var partitionText, var offsetText, .. var rest]
            && int.TryParse(partitionText, out var partition) && long.TryParse(offsetText, out var offset)
            ? new RecordPosition(
                topic, partition, offset, rest is [var text] && Guid.TryParseExact(text, "D", out var deadLetter) ? deadLetter : null)
            : null;

    public override string ToString() =>
        RedrivenFrom is { } deadLetter ? $"{Topic}/{Partition}/{Offset}/{deadLetter}" : $"{Topic}/{Partition}/{Offset}";
}
