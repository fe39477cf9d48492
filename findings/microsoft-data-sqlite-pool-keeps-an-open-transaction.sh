#!/usr/bin/env bash
# Microsoft.Data.Sqlite 10.0.15 (NuGet; pooling is on by default there).
#
# Behaviour: by its documentation, Close rolls back open transactions. On a pooled connection it does so for BeginTransaction, but not for a
# transaction that was begun by SQL. The pool keeps that transaction open, with its lock on the file, and gives it to the next user of the
# connection. That one reads rows that were never committed, and what it writes belongs to the same transaction, though each of its commands
# succeeds as if it were durable. All of it is gone when the pool closes the connection. Without pooling, Close rolls back.
#
# Output seen (a first user begins a transaction, inserts "first" and disposes its connection; then a connection outside the pool inserts
# "other", and a second user inserts "second"):
#   pooling: another connection's write: SQLite Error 5: 'database is locked'.
#   pooling: the second user reads: first second
#   pooling: stored at the end:
#   BeginTransaction: another connection's write: done
#   BeginTransaction: the second user reads: other second
#   BeginTransaction: stored at the end: other second
#   no pooling: another connection's write: done
#   no pooling: the second user reads: other second
#   no pooling: stored at the end: other second
#
# Why it matters: an exception between a BEGIN by SQL and its COMMIT is enough. From then on this process loses every write of that pooled
# connection, and other processes are locked out, without an error where the fault is. Use BeginTransaction, or Pooling=False.
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
  <ItemGroup><PackageReference Include="Microsoft.Data.Sqlite" Version="[10.0.15]" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using Microsoft.Data.Sqlite;

Show("pooling", "Data Source=one.db", BySql);
Show("BeginTransaction", "Data Source=two.db", ByApi);
Show("no pooling", "Data Source=three.db;Pooling=False", BySql);

static void Show(string title, string database, Action<string> begin)
{
    var other = $"Data Source={new SqliteConnectionStringBuilder(database).DataSource};Pooling=False;Default Timeout=1";
    Run(other, "PRAGMA journal_mode = wal; CREATE TABLE t (text TEXT)");
    begin(database);
    var written = "done";
    try
    {
        Run(other, "INSERT INTO t VALUES ('other')");
    }
    catch (SqliteException error) { written = error.Message; }

    Console.WriteLine($"{title}: another connection's write: {written}");
    Run(database, "INSERT INTO t VALUES ('second')");
    Console.WriteLine($"{title}: the second user reads: {Rows(database)}".TrimEnd());
    SqliteConnection.ClearAllPools();
    Console.WriteLine($"{title}: stored at the end: {Rows(database)}".TrimEnd());
}

static void Run(string database, string sql)
{
    using var connection = new SqliteConnection(database);
    connection.Open();
    using var command = connection.CreateCommand();
    command.CommandText = sql;
    command.ExecuteNonQuery();
}

static void BySql(string database) => Run(database, "BEGIN IMMEDIATE; INSERT INTO t VALUES ('first')");

static void ByApi(string database)
{
    using var connection = new SqliteConnection(database);
    connection.Open();
    var transaction = connection.BeginTransaction();  // not disposed, as after a BEGIN by SQL
    using var command = connection.CreateCommand();
    command.Transaction = transaction;
    command.CommandText = "INSERT INTO t VALUES ('first')";
    command.ExecuteNonQuery();
}

static string Rows(string database)
{
    using var connection = new SqliteConnection(database);
    connection.Open();
    using var command = connection.CreateCommand();
    command.CommandText = "SELECT text FROM t ORDER BY rowid";
    using var reader = command.ExecuteReader();
    var rows = new List<string>();
    while (reader.Read()) rows.Add(reader.GetString(0));
    return string.Join(' ', rows);
}
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

expected=$(cat <<'TEXT'
pooling: another connection's write: SQLite Error 5: 'database is locked'.
pooling: the second user reads: first second
pooling: stored at the end:
BeginTransaction: another connection's write: done
BeginTransaction: the second user reads: other second
BeginTransaction: stored at the end: other second
no pooling: another connection's write: done
no pooling: the second user reads: other second
no pooling: stored at the end: other second
TEXT
)
seen=$(dotnet out/finding.dll)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: the transaction ended at another time than this script states" >&2; exit 1; }
