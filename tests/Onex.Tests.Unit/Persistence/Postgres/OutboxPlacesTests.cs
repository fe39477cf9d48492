using Onex.Persistence.Postgres;

namespace Onex.Tests.Unit.Persistence.Postgres;

public sealed class OutboxPlacesTests
{
    private readonly OutboxPlaces _places = new();

    [Fact]
    public void A_committed_batch_is_complete_once_all_its_messages_are_sent()
    {
        var messages = Messages(3);
        _places.AddCommitted(7, messages);

        var first = _places.Find([messages[1], messages[1]]);
        Assert.Equal([new OutboxPlace(7, 2)], first.Places);
        Assert.Empty(first.CompleteBatches);
        _places.Remove([messages[1]]);

        var rest = _places.Find([messages[0], messages[2]]);
        Assert.Equal([7L], rest.CompleteBatches);
        Assert.Empty(rest.Places);
    }

    [Fact]
    public void A_batch_whose_other_messages_are_still_being_marked_as_sent_is_not_complete()
    {
        var messages = Messages(2);
        _places.AddCommitted(7, messages);

        Assert.Empty(_places.Find([messages[0]]).CompleteBatches);
        Assert.Empty(_places.Find([messages[1]]).CompleteBatches);
    }

    [Fact]
    public void A_batch_that_was_read_is_never_complete_because_other_processes_may_have_sent_parts_of_it()
    {
        var messages = Messages(1);
        _places.AddRead([(messages[0], new OutboxPlace(7, 4))]);

        Assert.Equal([new OutboxPlace(7, 4)], _places.Find(messages).Places);
        _places.Remove(messages);
        Assert.Equal(messages, _places.Find(messages).Unknown);
    }

    [Fact]
    public void The_oldest_batches_are_looked_up_in_the_table_when_there_are_too_many()
    {
        var oldest = Messages(1);
        _places.AddCommitted(1, oldest);
        for (var batch = 2; batch <= 3; batch++)
        {
            _places.AddCommitted(batch, Messages(OutboxPlaces.MessagesMax / 2));
        }

        Assert.Equal(oldest, _places.Find(oldest).Unknown);
    }

    [Fact]
    public void Messages_that_were_read_give_way_to_later_ones()
    {
        // Another process may have sent them, and then nobody removes them here.
        _places.AddRead([.. Messages(OutboxPlaces.MessagesMax).Select(message => (message, new OutboxPlace(1, 1)))]);
        var (committed, read) = (Messages(2), Messages(1));
        _places.AddCommitted(2, committed);
        _places.AddRead([(read[0], new OutboxPlace(3, 1))]);

        Assert.Equal([2L], _places.Find(committed).CompleteBatches);
        Assert.Equal([new OutboxPlace(3, 1)], _places.Find(read).Places);
    }

    [Fact]
    public void A_message_that_was_read_while_it_was_committed_keeps_its_place()
    {
        var messages = Messages(1);
        _places.AddRead([(messages[0], new OutboxPlace(7, 1))]);
        _places.AddCommitted(7, messages);
        _places.AddRead([.. Messages(OutboxPlaces.MessagesMax).Select(message => (message, new OutboxPlace(8, 1)))]);

        Assert.Equal([7L], _places.Find(messages).CompleteBatches);
    }

    [Fact]
    public void A_message_that_was_sent_while_it_was_read_does_not_complete_its_batch()
    {
        var messages = Messages(2);
        _places.AddCommitted(7, messages);
        _places.Remove([messages[0]]);
        _places.AddRead([(messages[0], new OutboxPlace(7, 1))]);

        Assert.Empty(_places.Find([messages[0]]).CompleteBatches);
    }

    private static MessageId[] Messages(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => MessageId.Create(DateTimeOffset.UnixEpoch))];
}
