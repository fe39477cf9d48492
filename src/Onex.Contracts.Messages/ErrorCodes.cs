namespace Onex.Contracts.Messages;

/// <summary>The codes of run-time errors: 3xxx of messages, 4xxx of the HTTP API. <c>docs/errors/</c> has a page for each.</summary>
public static class ErrorCodes
{
    /// <summary>The value is not UTF-8, not JSON, nested too deep, or empty.</summary>
    public const string MalformedMessage = "ONEX3001";

    /// <summary>The value is JSON, but not an object.</summary>
    public const string NotAnObject = "ONEX3002";

    /// <summary><c>operation</c> is missing or not a string.</summary>
    public const string OperationMissing = "ONEX3003";

    /// <summary>No contract, event or operation has this name.</summary>
    public const string OperationUnknown = "ONEX3004";

    /// <summary>The payload does not match the schema.</summary>
    public const string PayloadInvalid = "ONEX3005";

    /// <summary>A field of the request has the wrong type or form (a correlation id that is not a UUID).</summary>
    public const string FieldInvalid = "ONEX3006";

    /// <summary>Text that cannot be stored: <c>\u0000</c>, or half of a surrogate pair.</summary>
    public const string TextInvalid = "ONEX3007";

    /// <summary>An object of the request contains a key twice.</summary>
    public const string KeyTwice = "ONEX3045";

    /// <summary>The request is larger than <c>ONEX_MAX_REQUEST_BYTES</c>.</summary>
    public const string RequestTooLarge = "ONEX3008";

    /// <summary>A live saga of this contract has the same business key.</summary>
    public const string KeyTaken = "ONEX3009";

    /// <summary>The topic is not on the allow-list of <c>handlers.reply_to</c>.</summary>
    public const string ReplyToForbidden = "ONEX3010";

    /// <summary>The operation exists, but clients may not call it directly.</summary>
    public const string OperationForbidden = "ONEX3011";

    /// <summary>The business key could not be evaluated from the input.</summary>
    public const string KeyInvalid = "ONEX3012";

    /// <summary>The saga failed, and its contract defined no code.</summary>
    public const string SagaFailed = "ONEX3013";

    /// <summary>A message could not be handled.</summary>
    public const string HandlingFailed = "ONEX3014";

    /// <summary>The broker rejects the message for good.</summary>
    public const string DeliveryRefused = "ONEX3015";

    /// <summary>The saga's contract version is neither in the registry nor in the contracts directory, or does not compile.</summary>
    public const string PlanMissing = "ONEX3016";

    /// <summary>The saga's state has rules for the event, but no guard of them holds, or an expression of them fails.</summary>
    public const string EventRefused = "ONEX3017";

    /// <summary>No state of the saga can accept the event any more.</summary>
    public const string EventUnwanted = "ONEX3018";

    /// <summary>Too many buffered or early events wait already.</summary>
    public const string EventsTooMany = "ONEX3019";

    /// <summary>The buffered or early event has expired.</summary>
    public const string EventExpired = "ONEX3020";

    /// <summary>The saga ended without accepting the event.</summary>
    public const string EventUnclaimed = "ONEX3021";

    /// <summary>Several live sagas match the event.</summary>
    public const string TargetAmbiguous = "ONEX3022";

    /// <summary>No live saga matches the event.</summary>
    public const string TargetMissing = "ONEX3023";

    /// <summary>The <c>envelope_id</c> belongs to another request, or the live saga to join was started with another payload.</summary>
    public const string RequestDiffers = "ONEX3030";

    /// <summary>The saga is blocked: Onex cannot read it or handle a message of it, and an operator must act.</summary>
    public const string SagaUnreadable = "ONEX3035";

    /// <summary>The broker rejects the response itself, most likely because it is too large.</summary>
    public const string ResponseUndeliverable = "ONEX3040";

    /// <summary>No API token is configured, and the caller is not on the same machine.</summary>
    public const string TokenNotConfigured = "ONEX4001";

    /// <summary>The call has no token.</summary>
    public const string TokenMissing = "ONEX4002";

    /// <summary>The call's token is not configured.</summary>
    public const string TokenUnknown = "ONEX4003";

    /// <summary>The call's token allows reading only.</summary>
    public const string ScopeMissing = "ONEX4004";

    /// <summary>There is no such saga.</summary>
    public const string SagaUnknown = "ONEX4005";

    /// <summary>No contract of that name is loaded.</summary>
    public const string ContractUnknown = "ONEX4006";

    /// <summary>A parameter or the body of the call is wrong.</summary>
    public const string CallInvalid = "ONEX4007";

    /// <summary>The command is not allowed in the saga's current state.</summary>
    public const string NotAllowedInState = "ONEX4008";

    /// <summary>The runtime has not started yet, or is stopping.</summary>
    public const string NotServing = "ONEX4009";

    /// <summary>The store cannot be reached.</summary>
    public const string StoreUnavailable = "ONEX4010";

    /// <summary>There is no such path, or it does not support that method.</summary>
    public const string PathUnknown = "ONEX4011";

    /// <summary>The call failed because of an internal error.</summary>
    public const string CallFailed = "ONEX4012";

    /// <summary>There is no such dead letter.</summary>
    public const string DeadLetterUnknown = "ONEX4013";

    /// <summary>The dead letter was redriven or discarded already.</summary>
    public const string DeadLetterAlreadyHandled = "ONEX4014";

    /// <summary>The dead letter's record is not stored, so it cannot be sent again from here.</summary>
    public const string DeadLetterIncomplete = "ONEX4015";

    /// <summary>
    /// No API token is configured, and the call may come from a web page: it has a <c>Host</c> or an <c>Origin</c> that is not this
    /// machine's.
    /// </summary>
    public const string CallerForeign = "ONEX4016";

    /// <summary>No API token is configured, and the body is not declared as JSON.</summary>
    public const string BodyNotJson = "ONEX4017";

    /// <summary>Terminating a saga requires the confirmation that nothing is compensated.</summary>
    public const string ConfirmationMissing = "ONEX4020";

    /// <summary>The record of the dead letter was handled after all, so that sending it again is not needed.</summary>
    public const string DeadLetterRecordHandled = "ONEX4028";

    /// <summary>There is not enough memory for the request of a call at the moment.</summary>
    public const string NotEnoughMemory = "ONEX4030";
}
