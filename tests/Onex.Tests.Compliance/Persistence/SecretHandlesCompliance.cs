using Onex.Persistence.Secrets;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>The compliance suite of secret handles, with a subclass per implementation on its own storage.</summary>
public abstract class SecretHandlesCompliance
{
    private static readonly CancellationToken _none = CancellationToken.None;

    protected abstract ISecretHandles Handles { get; }

    [Fact]
    public async Task A_saga_finds_its_handles_with_all_their_fields()
    {
        var saga = SagaId.Create(TimeProvider.System.GetUtcNow());
        SecretHandle[] handles = [New(saga) with { Version = 3, Field = "naïve 'field'" }, New(saga) with { Path = "apps/a b" }, New(saga)];
        await Handles.AddAsync(handles, _none);

        var found = await Handles.FindAsync(saga, [handles[0].Id, handles[1].Id], _none);

        Assert.Equal([handles[0], handles[1]], new[] { found[handles[0].Id], found[handles[1].Id] });
        Assert.Equal(2, found.Count);
    }

    [Fact]
    public async Task A_saga_finds_no_handle_of_another_saga_and_no_unknown_one()
    {
        var (own, other) = (New(SagaId.Create(TimeProvider.System.GetUtcNow())), New(SagaId.Create(TimeProvider.System.GetUtcNow())));
        await Handles.AddAsync([own, other], _none);

        var found = await Handles.FindAsync(own.SagaId, [own.Id, other.Id, Rows.Id().Value], _none);

        Assert.Equal([own.Id], found.Keys);
    }

    [Fact]
    public async Task Handles_may_be_added_again()
    {
        var handle = New(SagaId.Create(TimeProvider.System.GetUtcNow()));
        await Handles.AddAsync([handle], _none);

        await Handles.AddAsync([handle], _none);

        Assert.Equal([handle], (await Handles.FindAsync(handle.SagaId, [handle.Id], _none)).Values);
    }

    private static SecretHandle New(SagaId saga) => new(Rows.Id().Value, saga, "vault", "apps/reports", 1, "password");
}
