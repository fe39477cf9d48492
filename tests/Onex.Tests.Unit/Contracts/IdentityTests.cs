namespace Onex.Tests.Unit.Contracts;

public sealed class IdentityTests
{
    private static readonly SagaId _saga = new(Guid.Parse("0190f3a0-0000-7000-8000-000000000001"));
    private static readonly CommandId _command = new(Guid.Parse("123e4567-e89b-12d3-a456-426614174000"));
    private static readonly MessageId _message = new(_command.Value);
    private static readonly Guid _topic = Guid.Parse("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
    private static readonly DateTimeOffset _at = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void A_saga_that_a_record_starts_has_the_same_id_each_time_and_later_ones_sort_after_it()
    {
        var origin = Identity.OfRecord("saga", "requests", null, 3, 17);
        var time = new DateTimeOffset(2026, 11, 24, 12, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
        var id = Identity.Saga(time, origin);

        Assert.Equal(id, Identity.Saga(time, Identity.OfRecord("saga", "requests", null, 3, 17)));
        Assert.NotEqual(id, Identity.Saga(time, Identity.OfRecord("saga", "requests", null, 3, 18)));
        Assert.Equal(7, id.Value.Version);
        SagaId[] ids =
        [
            Identity.Saga(time - 1, origin), id, Identity.Saga(time + 1, origin),
            SagaId.Create(DateTimeOffset.FromUnixTimeMilliseconds(time + 2)),
        ];
        Assert.Equal(ids, ids.OrderBy(each => each.ToString(), StringComparer.Ordinal));
    }

    // Stored rows and unread records have ids like these, so they must never change. Other code than this has computed them.
    [Fact]
    public void Derived_ids_have_the_known_values() => Assert.Equal(
        [
            "0190f3a0-0000-84bc-8f74-5b0e2577eb1c", "0190f3a0-0000-8136-807d-7d6af9aa057f", "123e4567-e89b-870a-85b7-190e30fd1082",
            "123e4567-e89b-8141-a54b-a9f28861fc73", "a4e65cc3-fb4e-8e98-9b3a-8bb367d4c60d", "20a4df89-f459-894c-aa25-a7bb7f234ea4",
            "0190f3a0-0000-844e-bbfa-5ef7e6475ddb", "0190f3a0-0000-8a69-bd30-d76137323d3f", "03000000-0011-820f-b72f-868481eff006",
            "03000000-0011-805d-875f-14c153964ac0", "0c9d30a2-2dd3-80a6-8905-5462bdee8fe6", "ff777217-704d-8400-96bf-57ff9d354cd8",
            "ccca7618-28d2-8172-ad60-656784407595", "03887610-e198-890f-89c6-f2227eeea072", "3a7f5c7c-3c10-82f6-b82c-0de3ff0e40a0",
            "8d3c154b-9168-8f7e-80ad-65ec130ee206", "bb378227-aca5-85ea-a2ea-44116324758d", "272dec9a-288b-1b61-f1a0-7b06ffaa5e27",
        ],
        new[]
        {
            Identity.Command(_saga, "open/päy", 2, 7).Value, Identity.Command(_saga, "open/päy", 2, 7, 3).Value,
            Identity.Compensation(_command).Value, Identity.Compensation(_command, 1).Value, Identity.Transition(_saga, 42, _message),
            Identity.Message(_topic, 5).Value, Identity.Payload(_saga, "output"), Identity.Payload(_saga, new string('é', 500)),
            Identity.Request("requests", _topic, 3, 17, "{}"u8).Value, Identity.Request("requests", null, 3, 17, "{}"u8).Value,
            Identity.Scheduled("nightly", _at).Value, Identity.Result(_command, 1, "Completed").Value, Identity.Wakeup(_saga, _at).Value,
            Identity.OfRequest(_message, "correlation"), Identity.ResultMessage(_command, 1).Value,
            Identity.LargeResult(_saga, "result:x"), Identity.OfRecord("message", "requests", _topic, 3, 17),
            Identity.DeadLetter("requests", _topic, 3, 17),
        }.Select(id => id.ToString()));

    [Fact]
    public void A_jitter_has_the_known_value() => Assert.Equal(0.23484452161937952, Identity.Fraction(_command, 1));

    [Fact]
    public void Deriving_an_id_allocates_nothing() => Assert.Equal(0, Enumerable.Range(0, 5).Min(_ =>
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Identity.Command(_saga, "open/pay", 2, 7, 3);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }));
}
