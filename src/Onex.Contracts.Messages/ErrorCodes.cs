namespace Onex.Contracts.Messages;

/// <summary>The codes of errors at run time, one page each in <c>docs/errors/</c>. 1xxx are a contract's, 2xxx the configuration's.</summary>
public static class ErrorCodes
{
    /// <summary>The value is not UTF-8, not JSON, nested too deep, or empty.</summary>
    public const string MalformedMessage = "ONEX3001";

    /// <summary>The value is JSON, but not an object.</summary>
    public const string NotAnObject = "ONEX3002";

    /// <summary><c>operation</c> is missing or not a string.</summary>
    public const string OperationMissing = "ONEX3003";

    /// <summary>Nothing here is called so.</summary>
    public const string OperationUnknown = "ONEX3004";

    /// <summary>The payload does not match the schema.</summary>
    public const string PayloadInvalid = "ONEX3005";

    /// <summary>A field of the request has the wrong type or form (a correlation id that is no UUID).</summary>
    public const string FieldInvalid = "ONEX3006";

    /// <summary>Text that cannot be stored: <c>\u0000</c>, or half of a surrogate pair.</summary>
    public const string TextInvalid = "ONEX3007";

    /// <summary>The request is larger than <c>ONEX_MAX_REQUEST_BYTES</c>.</summary>
    public const string RequestTooLarge = "ONEX3008";

    /// <summary>A live saga of this contract has the same business key.</summary>
    public const string KeyTaken = "ONEX3009";

    /// <summary>The topic is not on the allow-list of <c>handlers.reply_to</c>.</summary>
    public const string ReplyToForbidden = "ONEX3010";

    /// <summary>The operation exists, but may not be asked for directly.</summary>
    public const string OperationForbidden = "ONEX3011";

    /// <summary>The business key could not be worked out from the input.</summary>
    public const string KeyInvalid = "ONEX3012";

    /// <summary>The saga failed, and its contract gave no code of its own.</summary>
    public const string SagaFailed = "ONEX3013";

    /// <summary>A message could not be handled, again and again.</summary>
    public const string HandlingFailed = "ONEX3014";

    /// <summary>The broker refuses the message for good.</summary>
    public const string DeliveryRefused = "ONEX3015";

    /// <summary>The saga's contract version is not in the registry and not in the contracts directory.</summary>
    public const string PlanMissing = "ONEX3016";

    /// <summary>The guards of the state's rules refuse the event.</summary>
    public const string EventRefused = "ONEX3017";

    /// <summary>No state that the saga can still come to wants the event.</summary>
    public const string EventUnwanted = "ONEX3018";

    /// <summary>As many events are kept already as may be.</summary>
    public const string EventsTooMany = "ONEX3019";

    /// <summary>The event was kept, and its time is over.</summary>
    public const string EventExpired = "ONEX3020";

    /// <summary>The event was kept, and its saga ended without a state that wanted it.</summary>
    public const string EventUnclaimed = "ONEX3021";

    /// <summary>The event fits several live sagas.</summary>
    public const string TargetAmbiguous = "ONEX3022";

    /// <summary>The event fits no live saga.</summary>
    public const string TargetMissing = "ONEX3023";
}
