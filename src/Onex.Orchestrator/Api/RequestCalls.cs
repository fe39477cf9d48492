using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Hosting.Http;
using Onex.Hosting.Settings;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Api;

/// <summary>Requests and events over HTTP, with the same checks, identities and answers as on the topic of requests.</summary>
internal sealed class RequestCalls(
    ISagaControl control, ISagaQueries sagas, CallMemory memory, RuntimeSettings settings, IHostApplicationLifetime process)
{
    private static readonly TimeSpan _waitMax = TimeSpan.FromMinutes(5);

    public async Task SubmitAsync(ApiCall call)
    {
        var wait = call.Duration("wait", _waitMax);
        var accepted = await memory.HandleAsync(
            call,
            settings.MaxRequestBytes,
            cancellation => call.BodyAsync(settings.MaxRequestBytes, cancellation),
            body =>
            {
                call.CheckFields(body);
                return SubmitAsync(call, body);
            });
        if (wait is { } within && await WaitAsync(accepted, within, call.Aborted) is { } response)
        {
            await call.AnswerAsync(200, "application/json", response);
            return;
        }

        await AnswerAsync(call, accepted);
    }

    public async Task SendAsync(ApiCall call)
    {
        var id = call.SagaId;
        await AnswerAsync(call, await memory.HandleAsync(
            call,
            settings.MaxRequestBytes,
            cancellation => call.ObjectAsync(settings.MaxRequestBytes, cancellation),
            body => SendAsync(call, id, body)));
    }

    private async Task<Submission.Accepted> SendAsync(ApiCall call, SagaId id, JsonElement body)
    {
        if (!body.TryGetProperty("event", out var name) || name.ValueKind != JsonValueKind.String)
        {
            throw new CallException(
                400, ErrorCodes.CallInvalid, "'event' is missing or not text.", "Send {\"event\": \"cancel\", \"data\": {...}}.");
        }

        var detail = await sagas.FindAsync(id, call.Aborted) ?? throw SagaCalls.Unknown(id);
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, ValueJson.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("operation", $"{detail.Row.Contract}.{name.GetString()}");
            writer.WriteString("correlation_id", detail.Row.CorrelationId);
            writer.WriteStartObject("target");
            writer.WriteString("saga_id", id);
            writer.WriteEndObject();
            if (body.TryGetProperty("data", out var data))
            {
                writer.WritePropertyName("payload");
                data.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return await SubmitAsync(call, buffer.WrittenMemory);
    }

    // Returns null if there is no response in time, or if the process is stopping: waiting would delay the stop.
    private async Task<ReadOnlyMemory<byte>?> WaitAsync(Submission.Accepted accepted, TimeSpan within, CancellationToken aborted)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(aborted, process.ApplicationStopping);
        try
        {
            return await control.WaitForResponseAsync(accepted, within, linked.Token);
        }
        catch (OperationCanceledException) when (process.ApplicationStopping.IsCancellationRequested && !aborted.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task<Submission.Accepted> SubmitAsync(ApiCall call, ReadOnlyMemory<byte> body)
    {
        List<KeyValuePair<string, string>> headers = [];
        foreach (var name in (ReadOnlySpan<string>)[HeaderNames.TraceParent, HeaderNames.TraceState])
        {
            if (call.Http.Request.Headers.TryGetValue(name, out var value) && value[0] is { Length: > 0 } text)
            {
                headers.Add(new(name, text));
            }
        }

        if (headers.Count == 0 && Tracing.IsOn && Activity.Current is { } span)
        {
            headers.Add(new(HeaderNames.TraceParent, Tracing.TraceParent(span.TraceId, span.ActivityTraceFlags)));
        }

        switch (await control.SubmitAsync(body, headers, call.Aborted))
        {
            case Submission.Accepted accepted:
                return accepted;
            case Submission.Rejected(var response):
                throw new CallException(Status(response.Code!), response.Code!, response.Error!, remedy: null)
                {
                    Problem = new Problem
                    {
                        Status = Status(response.Code!),
                        Title = "The request is rejected",
                        Code = response.Code!,
                        Detail = response.Error!,
                        CorrelationId = response.CorrelationId,
                        Details = response.Details,
                    },
                };
            default:
                throw new InvalidOperationException("A request is either accepted or rejected.");
        }
    }

    private static Task AnswerAsync(ApiCall call, Submission.Accepted accepted)
    {
        if (accepted.SagaId is { } saga)
        {
            call.Http.Response.Headers.Location = $"/api/v1/sagas/{saga}";
        }

        return call.AnswerAsync(202, writer =>
        {
            if (accepted.SagaId is { } id)
            {
                writer.WriteString("saga_id", id);
            }

            writer.WriteString("request_id", accepted.RequestId);
            writer.WriteString("correlation_id", accepted.CorrelationId);
        });
    }

    private static int Status(string code) => code switch
    {
        ErrorCodes.OperationUnknown or ErrorCodes.TargetMissing => 404,
        ErrorCodes.ReplyToForbidden or ErrorCodes.OperationForbidden => 403,
        ErrorCodes.KeyTaken or ErrorCodes.TargetAmbiguous
            or ErrorCodes.EventRefused or ErrorCodes.EventUnwanted or ErrorCodes.EventUnclaimed
            or ErrorCodes.RequestDiffers => 409,
        ErrorCodes.RequestTooLarge => 413,
        ErrorCodes.EventsTooMany => 429,
        _ => 400,
    };
}
