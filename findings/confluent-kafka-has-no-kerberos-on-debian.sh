#!/usr/bin/env bash
# Confluent.Kafka 2.16.0 with librdkafka.redist 2.16.0, on Debian 12 (x64) with its package libsasl2-2.
#
# Behaviour: the NuGet package holds three builds of librdkafka for Linux on x64 and takes the first that loads. The full one links to
# libsasl2.so.3, the name that Red Hat's Cyrus SASL has; Debian's and Ubuntu's is libsasl2.so.2. So the second one is taken, without a log
# line: centos8-librdkafka.so, which is built without Kerberos. Its version is the same. Only a client with sasl.mechanism=GSSAPI tells the
# difference: it cannot be built. Having libsasl2 installed changes nothing.
#
# Output seen:
#   loaded: centos8-librdkafka.so
#   version: 2.16.0
#   gssapi: no
#
# Why it matters: a client that uses Kerberos on Red Hat stops working in a Debian image. And of the 36 MB of native libraries in such an
# image 24 MB are never loaded, but who removes the others and keeps librdkafka.so has removed the one that works.
set -euo pipefail

[ "$(uname -s) $(uname -m)" = "Linux x86_64" ] || { echo "this is about Linux on x64" >&2; exit 3; }
ldconfig -p | grep -q 'libsasl2\.so\.2' || { echo "libsasl2 is missing: install the Debian package libsasl2-2" >&2; exit 3; }
if ldconfig -p | grep -q 'libsasl2\.so\.3'; then echo "this system has libsasl2.so.3, so the full build loads" >&2; exit 3; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

export NUGET_PACKAGES="$work/packages" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en
cat > finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="Confluent.Kafka" Version="2.16.0" /></ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using Confluent.Kafka;

var version = Library.VersionString;
var loaded = File.ReadLines("/proc/self/maps").Where(line => line.Contains("rdkafka")).Select(line => Path.GetFileName(line.Split(' ')[^1]))
    .Distinct().Single(name => name.EndsWith(".so"));
Console.WriteLine($"loaded: {loaded}");
Console.WriteLine($"version: {version}");
try
{
    using var client = new AdminClientBuilder(new AdminClientConfig
    {
        BootstrapServers = "127.0.0.1:1", SecurityProtocol = SecurityProtocol.SaslPlaintext, SaslMechanism = SaslMechanism.Gssapi,
    }).SetLogHandler((_, _) => { }).Build();
    Console.WriteLine("gssapi: yes");
}
catch (Exception error) when (error.Message.Contains("GSSAPI"))
{
    Console.WriteLine("gssapi: no");
}
CS
dotnet build -v quiet -nologo > build.log 2>&1 || { cat build.log >&2; exit 3; }
dotnet bin/Debug/net10.0/finding.dll > output.txt

cat output.txt
diff - output.txt <<'TEXT' || { echo "the behaviour has changed" >&2; exit 1; }
loaded: centos8-librdkafka.so
version: 2.16.0
gssapi: no
TEXT
