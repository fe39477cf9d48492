using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.Tables;

/// <summary>The columns of <c>sagas</c>.</summary>
internal static class SagaTable
{
    public static readonly Table<SagaRow> Columns = new();

    public static readonly int Id = Columns.Uuid("id", row => row.Id.Value, isFixed: true);
    public static readonly int Contract = Columns.Text("contract", row => row.Contract, isFixed: true);
    public static readonly int ContractVersion = Columns.Text("contract_version", row => row.ContractVersion, isFixed: true);
    public static readonly int ContractHash = Columns.Text("contract_hash", row => row.ContractHash, isFixed: true);
    public static readonly int CorrelationId = Columns.Uuid("correlation_id", row => row.CorrelationId, isFixed: true);
    public static readonly int RequestId = Columns.Uuid("request_id", row => row.RequestId.Value, isFixed: true);
    public static readonly int BusinessKey = Columns.Text("business_key", row => row.BusinessKey, isFixed: true);
    public static readonly int ParentId = Columns.OptionalUuid("parent_id", row => row.ParentId?.Value, isFixed: true);
    public static readonly int Source = Columns.Text("source", row => row.Source, isFixed: true);
    public static readonly int State = Columns.Text("state", row => row.State);
    public static readonly int Status = Columns.Text("status", row => row.Status.ToText());
    public static readonly int Data = Columns.Json("data", row => row.Data);
    public static readonly int Progress = Columns.Json("progress", row => row.Progress);
    public static readonly int Fault = Columns.OptionalJson("fault", row => row.Fault);
    public static readonly int ReplyTo = Columns.Text("reply_to", row => row.ReplyTo, isFixed: true);
    public static readonly int Headers = Columns.OptionalJson("headers", row => row.Headers, isFixed: true);
    public static readonly int Waiters = Columns.OptionalJson("waiters", row => row.Waiters);
    public static readonly int HomePartition = Columns.Integer("home_partition", row => row.HomePartition, isFixed: true);
    public static readonly int Version = Columns.Bigint("version", row => row.Version);
    public static readonly int LastTransitionId = Columns.Uuid("last_transition_id", row => row.LastTransitionId);
    public static readonly int StartedAt = Columns.Time("started_at", row => row.StartedAt, isFixed: true);
    public static readonly int UpdatedAt = Columns.Time("updated_at", row => row.UpdatedAt);
    public static readonly int EndedAt = Columns.OptionalTime("ended_at", row => row.EndedAt);
    public static readonly int NextWakeupAt = Columns.OptionalTime("next_wakeup_at", row => row.NextWakeupAt);
    public static readonly int Parked = Columns.Boolean("parked", row => row.Parked);
    public static readonly int RequestHash = Columns.OptionalUuid("request_hash", row => row.RequestHash, isFixed: true);

    /// <summary>Reads a row that begins with these columns.</summary>
    public static SagaRow Read<TReader>(TReader row)
        where TReader : struct, IRowReader => new()
        {
            Id = new(row.Uuid(Id)),
            Contract = row.Text(Contract),
            ContractVersion = row.Text(ContractVersion),
            ContractHash = row.Text(ContractHash),
            CorrelationId = row.Uuid(CorrelationId),
            RequestId = new(row.Uuid(RequestId)),
            BusinessKey = row.OptionalText(BusinessKey),
            ParentId = row.OptionalSagaId(ParentId),
            Source = row.Text(Source),
            State = row.Text(State),
            Status = SagaStatusText.Parse(row.Text(Status)),
            Data = row.JsonOrNull(Data),
            Progress = row.JsonOrNull(Progress),
            Fault = row.OptionalJson(Fault),
            ReplyTo = row.OptionalText(ReplyTo),
            Headers = row.OptionalJson(Headers),
            Waiters = row.OptionalJson(Waiters),
            HomePartition = row.Integer(HomePartition),
            Version = row.Bigint(Version),
            LastTransitionId = row.Uuid(LastTransitionId),
            StartedAt = row.Time(StartedAt),
            UpdatedAt = row.Time(UpdatedAt),
            EndedAt = row.OptionalTime(EndedAt),
            NextWakeupAt = row.OptionalTime(NextWakeupAt),
            Parked = row.Boolean(Parked),
            RequestHash = row.OptionalUuid(RequestHash),
        };
}
