#!/usr/bin/env bash
# .NET 10.0 (SDK 10.0.401), HttpClient with its default SocketsHttpHandler.
#
# Behaviour: a request without content is sent four times when the server takes it and closes the connection without an answer, whatever its
# method is: a POST without content too, and also on a connection that is new. The caller sees one call and one exception. With content,
# though empty, it is sent once. There is no setting for it.
#
# Output seen (request, times that the server took it):
#   GET 4
#   POST without content 4
#   POST with empty content 1
#
# Why it matters: POST is not idempotent, and many services have actions without a body ("POST /orders/7/cancel"). A service that dies
# after the work and before the answer is asked three times more, below every retry policy and without an entry in any log.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export NUGET_PACKAGES="$work/packages" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en
cat > finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
</Project>
XML
cat > Program.cs <<'CS'
using System.Net;
using System.Net.Sockets;
using System.Text;

var taken = 0;
var listener = new TcpListener(IPAddress.Loopback, 0);
listener.Start();
_ = Task.Run(async () =>
{
    while (true)
    {
        using var socket = await listener.AcceptSocketAsync();
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!text.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            text.Append(Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer)));
        }

        Interlocked.Increment(ref taken);
    }
});
var address = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/";
foreach (var (name, method, content) in new[]
{
    ("GET", HttpMethod.Get, null),
    ("POST without content", HttpMethod.Post, null),
    ("POST with empty content", HttpMethod.Post, new ByteArrayContent([])),
})
{
    taken = 0;
    using var client = new HttpClient();
    try
    {
        await client.SendAsync(new HttpRequestMessage(method, address) { Content = content });
    }
    catch (HttpRequestException)
    {
        Console.WriteLine($"{name} {taken}");
    }
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
GET 4
POST without content 4
POST with empty content 1
TEXT
)
seen=$(timeout 60 dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: the requests were sent other numbers of times than this script states" >&2; exit 1; }
