using System.Globalization;

namespace Onex.Contracts.Catalogue;

/// <summary>What an HTTP status means before a contract's own rules: the same where effects run and where examples do.</summary>
public static class HttpStatuses
{
    /// <summary>What kind of answer it is.</summary>
    public static HttpAnswer Classify(int status) => status switch
    {
        >= 200 and < 300 => HttpAnswer.Completed,
        408 or 425 or 429 or >= 500 => HttpAnswer.Failed,
        _ => HttpAnswer.Rejected,
    };

    /// <summary>
    /// How far a call came that was answered so. A server that broke down (500) and a gateway without an answer (502, 504) do not say whether it
    /// happened; every other status does.
    /// </summary>
    public static AttemptReach ReachOf(int status) => status switch
    {
        >= 200 and < 300 => AttemptReach.Done,
        501 or 503 or 505 => AttemptReach.Answered,
        >= 500 => AttemptReach.Sent,
        _ => AttemptReach.Answered,
    };

    /// <summary>The code of one that is no success: <c>http_404</c>.</summary>
    public static string Code(int status) => string.Create(CultureInfo.InvariantCulture, $"http_{status}");
}

/// <summary>What kind of answer an HTTP status is.</summary>
public enum HttpAnswer
{
    /// <summary>It happened.</summary>
    Completed,

    /// <summary>A final "no".</summary>
    Rejected,

    /// <summary>Unknown or transient.</summary>
    Failed,
}
