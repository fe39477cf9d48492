#!/usr/bin/env bash
# StackExchange.Redis 3.4.35 with a redis-server 6 or later (Debian package redis-server; 7.0.15 seen).
#
# Behaviour: RedisServerException.Kind has a value for each error prefix of the server, and a value UnknownError. Every error with the
# general prefix ERR is RedisErrorKind.UnknownCommand, although the command is known and ran: an increment of a text, an increment beyond 64
# bits, a negative expiry. An error with a prefix of its own (WRONGTYPE) has its own kind.
#
# Output seen (call, kind, message):
#   increment of a text | UnknownCommand | ERR value is not an integer or out of range
#   increment beyond 64 bits | UnknownCommand | ERR increment or decrement would overflow
#   invalid expiry | UnknownCommand | ERR invalid expire time in 'set' command
#   list operation on a text | WrongType | WRONGTYPE Operation against a key holding the wrong kind of value
#   no such command | UnknownCommand | ERR unknown command 'NOSUCH', with args beginning with:
#
# Why it matters: code that takes UnknownCommand for "this server is too old" or retries elsewhere does so for wrong values too. Only the
# message tells them apart.
set -euo pipefail

command -v redis-server > /dev/null || { echo "redis-server is missing: install the Debian package redis-server" >&2; exit 3; }
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null || true; rm -rf "$work"' EXIT
cd "$work"
redis-server --port 0 --unixsocket "$work/redis.sock" --save '' --appendonly no --dir "$work" > server.log 2>&1 &
server=$!
for _ in $(seq 100); do [ -S redis.sock ] && break; sleep 0.1; done

export NUGET_PACKAGES="$work/packages" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en
cat > finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="StackExchange.Redis" Version="3.4.35" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using System.Net.Sockets;
using StackExchange.Redis;

var options = new ConfigurationOptions { EndPoints = { new UnixDomainSocketEndPoint(args[0]) } };
await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
var db = redis.GetDatabase();
await db.StringSetAsync("text", "abc");
await db.StringSetAsync("most", long.MaxValue);
await Show("increment of a text", () => db.StringIncrementAsync("text"));
await Show("increment beyond 64 bits", () => db.StringIncrementAsync("most"));
await Show("invalid expiry", () => db.ExecuteAsync("SET", "text", "x", "EX", "-1"));
await Show("list operation on a text", () => db.ListLengthAsync("text"));
await Show("no such command", () => db.ExecuteAsync("NOSUCH"));

static async Task Show(string call, Func<Task> run)
{
    try
    {
        await run();
        Console.WriteLine($"{call} | no error");
    }
    catch (RedisServerException error)
    {
        Console.WriteLine($"{call} | {error.Kind} | {error.Message.Trim()}");
    }
}
CS
dotnet build -v quiet > build.log 2>&1 || { cat build.log >&2; exit 3; }
dotnet bin/Debug/net10.0/finding.dll "$work/redis.sock" | tee seen.txt
for call in 'increment of a text' 'increment beyond 64 bits' 'invalid expiry' 'no such command'; do
  grep -q "^$call | UnknownCommand | ERR " seen.txt || { echo "changed: $call has another kind" >&2; exit 1; }
done
grep -q '^list operation on a text | WrongType' seen.txt || { echo "changed: WRONGTYPE has another kind" >&2; exit 1; }
