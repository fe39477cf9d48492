#!/usr/bin/env bash
# StackExchange.Redis 3.4.35 with a redis-server 6 or later (Debian package redis-server; 7.0.15 seen).
#
# Behaviour: two RedisValues whose texts can be read as numbers are equal when the numbers are, also where both came as texts: "007" equals
# "7", and "8e5" equals "800000". Beyond 64 bits they are compared as doubles, so long ids that differ in their last digits are equal too.
# To the server these are different fields, members and values. RedisKey compares texts. Conditions of a transaction such as
# Condition.StringEqual are evaluated by the client, in the same way.
#
# Output seen (texts, fields of a hash by the server, RedisValues that differ, RedisKeys that differ):
#   007 and 7: fields 2, values 1, keys 2
#   8e5 and 800000: fields 2, values 1, keys 2
#   40000000000000000001 and 40000000000000000002: fields 2, values 1, keys 2
#   a7 and a07: fields 2, values 2, keys 2
#   ToDictionary of a hash with the fields 007 and 7: ArgumentException
#   ToStringDictionary of it: 2 entries
#   transaction on "7" if it equals "007": committed
#
# Why it matters: article numbers with leading zeros, hexadecimal texts that happen to have an "e" between digits, and long account numbers
# get lost in a HashSet or Dictionary of RedisValues, for few values and without an error. Convert what Redis returns to string first.
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
  <ItemGroup><PackageReference Include="StackExchange.Redis" Version="[3.4.35]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using System.Net.Sockets;
using StackExchange.Redis;

var options = new ConfigurationOptions { EndPoints = { new UnixDomainSocketEndPoint(args[0]) } };
await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
var db = redis.GetDatabase();
foreach (var (one, other) in new[]
{
    ("007", "7"), ("8e5", "800000"), ("40000000000000000001", "40000000000000000002"), ("a7", "a07"),
})
{
    await db.KeyDeleteAsync("hash");
    await db.HashSetAsync("hash", [new(one, "first"), new(other, "second")]);
    var fields = await db.HashKeysAsync("hash");
    var values = fields.ToHashSet().Count;
    var keys = fields.Select(field => (RedisKey)field.ToString()).ToHashSet().Count;
    Console.WriteLine($"{one} and {other}: fields {await db.HashLengthAsync("hash")}, values {values}, keys {keys}");
}

await db.KeyDeleteAsync("hash");
await db.HashSetAsync("hash", [new("007", "first"), new("7", "second")]);
var all = await db.HashGetAllAsync("hash");
try
{
    Console.WriteLine($"ToDictionary of a hash with the fields 007 and 7: {all.ToDictionary().Count} entries");
}
catch (ArgumentException error)
{
    Console.WriteLine($"ToDictionary of a hash with the fields 007 and 7: {error.GetType().Name}");
}

Console.WriteLine($"ToStringDictionary of it: {all.ToStringDictionary().Count} entries");

await db.StringSetAsync("text", "7");
var transaction = db.CreateTransaction();
transaction.AddCondition(Condition.StringEqual("text", "007"));
_ = transaction.StringSetAsync("text", "changed");
Console.WriteLine($"transaction on \"7\" if it equals \"007\": {(await transaction.ExecuteAsync() ? "committed" : "refused")}");
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
007 and 7: fields 2, values 1, keys 2
8e5 and 800000: fields 2, values 1, keys 2
40000000000000000001 and 40000000000000000002: fields 2, values 1, keys 2
a7 and a07: fields 2, values 2, keys 2
ToDictionary of a hash with the fields 007 and 7: ArgumentException
ToStringDictionary of it: 2 entries
transaction on "7" if it equals "007": committed
TEXT
)
seen=$(dotnet out/finding.dll "$work/redis.sock")
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: StackExchange.Redis compared values otherwise than this script states" >&2; exit 1; }
