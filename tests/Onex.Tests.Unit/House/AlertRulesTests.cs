using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Onex.Tests.Unit.House;

/// <summary>The alert rules are valid, and each fires and clears. A runbook says what to do for each.</summary>
public sealed partial class AlertRulesTests
{
    private static readonly string _rules = File.ReadAllText(Repository.At("docker", "observability", "alerts.yml"));
    private static readonly string _tests = File.ReadAllText(Repository.At("docker", "observability", "alerts.test.yml"));

    public static TheoryData<string> Alerts => [.. Alert().Matches(_rules).Select(match => match.Groups["name"].Value)];

    [Theory]
    [MemberData(nameof(Alerts))]
    public void An_alert_has_a_test_and_a_runbook(string alert)
    {
        Assert.Contains($"name: {alert}\n", _tests);
        Assert.Contains($"runbook: docs/operating.md#{alert.ToLowerInvariant()}\n", _rules);
        Assert.Matches($@"(?m)^#+ {alert}$", File.ReadAllText(Repository.At("docs", "operating.md")));
    }

    [Fact]
    public async Task Each_alert_fires_and_clears()
    {
        var promtool = Environment.GetEnvironmentVariable("ONEX_PROMTOOL") ?? "promtool";
        foreach (var arguments in (string[][])[["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]])
        {
            Process process;
            try
            {
                process = Process.Start(new ProcessStartInfo(promtool, arguments)
                {
                    WorkingDirectory = Repository.At("docker", "observability"),
                    UseShellExecute = false,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                })!;
            }
            catch (System.ComponentModel.Win32Exception missing)
            {
                Assert.Skip($"promtool cannot be run (ONEX_PROMTOOL, or apt-get install prometheus): {missing.Message}");
                return;
            }

            using (process)
            {
                var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
                await process.WaitForExitAsync();
                Assert.True(process.ExitCode == 0, $"{string.Join(' ', arguments)}: {await output}{await errors}");
            }
        }
    }

    [GeneratedRegex(@"- alert: (?<name>\w+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Alert();
}
