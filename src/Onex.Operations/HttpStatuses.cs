using System.Globalization;

namespace Onex.Operations;

/// <summary>Classifies HTTP statuses before the rules of a contract, for effects and for examples.</summary>
public static class HttpStatuses
{
    /// <summary>The kind of outcome.</summary>
    public static HttpAnswer Classify(int status) => status switch
    {
        >= 200 and < 300 => HttpAnswer.Completed,
        408 or 425 or 429 or >= 500 => HttpAnswer.Failed,
        _ => HttpAnswer.Rejected,
    };

    /// <summary>
    /// How far a call with that status got. From 500 on only 501, 503 and 505 say that the call took no effect: with a server error (500),
    /// a gateway without an answer (502, 504) or any other it is unknown. A status below 500 says whether it took effect.
    /// </summary>
    public static AttemptReach ReachOf(int status) => status switch
    {
        >= 200 and < 300 => AttemptReach.Done,
        501 or 503 or 505 => AttemptReach.Answered,
        >= 500 => AttemptReach.Sent,
        _ => AttemptReach.Answered,
    };

    /// <summary>The code of an unsuccessful status: <c>http_404</c>.</summary>
    public static string Code(int status) => string.Create(CultureInfo.InvariantCulture, $"http_{status}");
}

/// <summary>The kind of outcome of an HTTP status.</summary>
public enum HttpAnswer
{
    /// <summary>It took effect.</summary>
    Completed,

    /// <summary>A final "no".</summary>
    Rejected,

    /// <summary>Unknown or transient.</summary>
    Failed,
}
