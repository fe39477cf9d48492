namespace Onex.Contracts.Messages;

/// <summary>The error types of dead letters: each follows from its code, except that of ONEX3014.</summary>
public static class ErrorTypes
{
    /// <summary>The error type that belongs to a code; the code itself if none does.</summary>
    public static string For(string code) => code switch
    {
        ErrorCodes.MalformedMessage => "MalformedMessage",
        ErrorCodes.NotAnObject => "NotAnObject",
        ErrorCodes.OperationMissing => "OperationMissing",
        ErrorCodes.OperationUnknown => "OperationUnknown",
        ErrorCodes.PayloadInvalid => "SchemaMismatch",
        ErrorCodes.FieldInvalid => "FieldInvalid",
        ErrorCodes.TextInvalid => "TextInvalid",
        ErrorCodes.KeyTwice => "KeyTwice",
        ErrorCodes.RequestTooLarge => "RequestTooLarge",
        ErrorCodes.KeyTaken => "KeyTaken",
        ErrorCodes.ReplyToForbidden => "ReplyToForbidden",
        ErrorCodes.OperationForbidden => "OperationForbidden",
        ErrorCodes.KeyInvalid => "KeyInvalid",
        ErrorCodes.DeliveryRefused => "DeliveryRefused",
        ErrorCodes.PlanMissing => "PlanMissing",
        ErrorCodes.EventRefused => "EventRefused",
        ErrorCodes.EventUnwanted => "EventUnwanted",
        ErrorCodes.EventsTooMany => "EventsTooMany",
        ErrorCodes.EventExpired => "EventExpired",
        ErrorCodes.EventUnclaimed => "EventUnclaimed",
        ErrorCodes.TargetAmbiguous => "TargetAmbiguous",
        ErrorCodes.TargetMissing => "TargetMissing",
        ErrorCodes.RequestDiffers => "RequestDiffers",
        ErrorCodes.SagaUnreadable => "SagaUnreadable",
        _ => code,
    };
}
