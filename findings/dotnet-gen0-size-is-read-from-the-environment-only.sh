#!/usr/bin/env bash
# .NET 10.0 (SDK 10.0.401), workstation garbage collector.
#
# Behaviour: DOTNET_GCgen0size sets the budget of generation 0. Other settings of the collector may stand in runtimeconfig.json too, and
# "System.GC.Concurrent" acts there, but "System.GC.Gen0Size" and "System.GC.gen0size" beside it have no effect and cause no message.
# "System.GC.Gen0MaxBudget" is read, but it bounds the budget and does not raise it.
#
# Output seen (collections of generation 0 while 1 GB is allocated, compared with the default):
#   environment DOTNET_GCgen0size=0x8000000: fewer
#   runtimeconfig System.GC.Gen0Size=134217728: as many
#   runtimeconfig System.GC.gen0size=134217728: as many
#   runtimeconfig System.GC.Gen0MaxBudget=134217728: as many
#   runtimeconfig System.GC.Gen0MaxBudget=1048576: more
#
# Why it matters: a larger generation 0 saves a server that allocates much a good part of its time, and cannot be shipped in the file that is made
# for such settings. It takes the environment, for example of the container image.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export NUGET_PACKAGES="$work/packages" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en
unset DOTNET_GCgen0size COMPlus_GCgen0size DOTNET_gcServer DOTNET_gcConcurrent
cat > finding.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
</Project>
XML
cat > Program.cs <<'CS'
for (var i = 0; i < 1_000_000; i++)
{
    GC.KeepAlive(new byte[1_000]);
}

Console.WriteLine(GC.CollectionCount(0));
CS
dotnet build finding.csproj -v quiet -nologo -nodeReuse:false -p:UseSharedCompilation=false -o out > build.log \
  || { cat build.log >&2; exit 2; }

# Without a concurrent collector, whose own pace would disturb the counts.
run() {
  printf '{"runtimeOptions":{"tfm":"net10.0","framework":{"name":"Microsoft.NETCore.App","version":"10.0.0"},"configProperties":{%s"System.GC.Concurrent":false}}}' \
    "$1" > out/finding.runtimeconfig.json
  dotnet out/finding.dll
}
default=$(run '')
compare() {
  if [ "$2" -lt $((default * 3 / 4)) ]; then echo "$1: fewer"
  elif [ "$2" -gt $((default * 4 / 3)) ]; then echo "$1: more"
  else echo "$1: as many"; fi
}

expected=$(cat <<'TEXT'
environment DOTNET_GCgen0size=0x8000000: fewer
runtimeconfig System.GC.Gen0Size=134217728: as many
runtimeconfig System.GC.gen0size=134217728: as many
runtimeconfig System.GC.Gen0MaxBudget=134217728: as many
runtimeconfig System.GC.Gen0MaxBudget=1048576: more
TEXT
)
seen=$(
  compare 'environment DOTNET_GCgen0size=0x8000000' "$(DOTNET_GCgen0size=0x8000000 run '')"
  for setting in Gen0Size=134217728 gen0size=134217728 Gen0MaxBudget=134217728 Gen0MaxBudget=1048576; do
    compare "runtimeconfig System.GC.$setting" "$(run "\"System.GC.${setting%=*}\":${setting#*=},")"
  done
)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "changed: the settings act otherwise than this script states" >&2; exit 1; }
