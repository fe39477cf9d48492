#!/usr/bin/env bash
# Npgsql 10.0.3 (NuGet), PostgreSQL 15 (server binaries from Debian).
#
# Behaviour: Close or Dispose of a pooled connection does not reset its session. Npgsql puts the reset before the first command of the
# next user of that physical connection; until then the server still holds what the session held, such as a session-level advisory lock.
# Even a new Open of the same connection does not free it: only its first command does.
#
# Output seen (a second session, outside the pool, tries to take the lock):
#   while the connection is open: held
#   after its Dispose: held
#   after the pool gave it out again: held
#   after the first command of the new user: free
#
# Why it matters: "await using" looks as if it freed the lock at the end of the block. In a quiet process nothing frees it until the pool
# prunes the idle connection, which is minutes by default, so that every other process waits. Unlock by name before the close, or take a
# transaction-level lock (pg_try_advisory_xact_lock), which ends with its transaction.
set -euo pipefail

work=$(mktemp -d)
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -x "$bin/initdb" ] || { echo "PostgreSQL's server is missing (apt-get install postgresql)" >&2; rm -rf "$work"; exit 2; }
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }  # initdb refuses to run as root
trap 'as "$bin/pg_ctl" -D "$work/pg/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
cd "$work"
export NUGET_PACKAGES="$work/packages" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en
mkdir pg
[ "$(id -u)" != 0 ] || { chmod 711 "$work"; chown postgres pg; }
as "$bin/initdb" -D "$work/pg/data" -U finding -A trust >/dev/null
as "$bin/pg_ctl" -D "$work/pg/data" -w -l "$work/pg/log" -o "-k $work/pg -c listen_addresses= -c fsync=off" start >/dev/null
cat > finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="Npgsql" Version="[10.0.3]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using Npgsql;

var server = $"Host={args[0]};Username=finding;Database=postgres";
await using var pooled = NpgsqlDataSource.Create(server + ";Maximum Pool Size=1");
await using var other = NpgsqlDataSource.Create(server + ";Pooling=false");

var first = await pooled.OpenConnectionAsync();
await Run(first, "select pg_advisory_lock(1)");
Console.WriteLine($"while the connection is open: {await OtherGetsTheLock()}");
await first.DisposeAsync();
Console.WriteLine($"after its Dispose: {await OtherGetsTheLock()}");
await using var second = await pooled.OpenConnectionAsync();
Console.WriteLine($"after the pool gave it out again: {await OtherGetsTheLock()}");
await Run(second, "select 1");
Console.WriteLine($"after the first command of the new user: {await OtherGetsTheLock()}");

static async Task<object?> Run(NpgsqlConnection connection, string sql)
{
    await using var command = new NpgsqlCommand(sql, connection);
    return await command.ExecuteScalarAsync();
}

async Task<string> OtherGetsTheLock()
{
    await using var connection = await other.OpenConnectionAsync();
    return (bool)(await Run(connection, "select pg_try_advisory_lock(1)"))! ? "free" : "held";
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
while the connection is open: held
after its Dispose: held
after the pool gave it out again: held
after the first command of the new user: free
TEXT
)
seen=$(dotnet out/finding.dll "$work/pg")
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: Npgsql freed the lock at another time than this script states" >&2; exit 1; }
