namespace Onex.Tests.EndToEnd.Docker;

/// <summary>
/// The files of docker/ as Compose reads them, without starting its services; and a program in the image, if that is built. docker/verify
/// does the rest.
/// </summary>
public sealed class ComposeTests
{
    private const string Image = "omnibase-infra-runtime";
    private const string Placeholder = "__REPLACE_WITH";

    private static readonly string[] _runtime = ["-f", Repository.At("docker", "docker-compose.runtime.yml")];
    private static readonly Lazy<Task<bool>> _engineAnswers = new(async () =>
        Shell.Which("docker") is not null
        && (await Shell.RunAsync("docker", "info")).Code == 0
        && (await Shell.RunAsync("docker", "compose", "version")).Code == 0);

    private static readonly string[] _withInfra = [.. _runtime, "-f", Repository.At("docker", "docker-compose.infra.yml")];

    [Theory]
    [InlineData("main", "runtime-main")]
    [InlineData("effects", "runtime-main runtime-effects")]
    [InlineData("workers", "runtime-main runtime-worker")]
    [InlineData("all", "runtime-main runtime-effects runtime-worker")]
    public async Task A_profile_selects_its_services_and_its_resolved_file_has_no_secret(string profile, string services)
    {
        await SkipWithoutEngineAsync();

        Assert.Equal(Sorted(services.Split(' ')), Sorted(await LinesAsync(_runtime, "--profile", profile, "config", "--services")));
        var resolved = string.Join('\n', await LinesAsync(_runtime, "--profile", profile, "config"));
        Assert.Contains("/run/secrets/postgres_password", resolved, StringComparison.Ordinal);
        Assert.DoesNotContain(Placeholder, resolved, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("main")]
    [InlineData("effects")]
    [InlineData("workers")]
    [InlineData("all")]
    public async Task The_laptop_override_adds_the_services_a_profile_needs(string profile)
    {
        await SkipWithoutEngineAsync();

        var services = await LinesAsync(_withInfra, "--profile", profile, "config", "--services");

        Assert.Contains("omninode-bridge-postgres", services);
        Assert.Contains("omninode-bridge-redpanda", services);
        Assert.Contains("runtime-main", services);
    }

    [Fact]
    public async Task A_command_without_a_profile_acts_on_all_of_them()
    {
        await SkipWithoutEngineAsync();

        Assert.Equal(["runtime-effects", "runtime-main", "runtime-worker"], Sorted(await LinesAsync(_runtime, "config", "--services")));
    }

    [Fact]
    public async Task The_image_runs_programs_as_a_user_that_cannot_write_contracts_and_its_history_has_no_secret()
    {
        await SkipWithoutEngineAsync();
        Assert.SkipWhen(
            (await Shell.RunAsync("docker", "image", "inspect", Image)).Code != 0,
            $"The image {Image} is not built: docker build -f docker/Dockerfile.runtime -t {Image} .");

        var output = (
            await Shell.RunAsync("docker", "run", "--rm", Image, "/bin/bash", "-c", "id; touch /app/logs/x /app/data/x && ! touch "
                + "/app/contracts/x 2>/dev/null && onex version"))
            .OrThrow("docker run").Out.Split('\n');
        Assert.Equal("uid=1000(omniinfra) gid=1000(omniinfra) groups=1000(omniinfra)", output[0]);
        Assert.Matches(@"^\d+\.\d+\.\d+", output[1]);

        var history = (await Shell.RunAsync("docker", "history", "--no-trunc", Image)).OrThrow("docker history").Out;
        Assert.DoesNotMatch("(?i)token|password|secret", history);
    }

    private static async Task SkipWithoutEngineAsync() => Assert.SkipUnless(
        await _engineAnswers.Value, "No Docker engine with Compose v2 answers (docker info; docker compose version).");

    // Runs Compose with only the settings of the example: neither those of a .env in that directory nor those of this process.
    private static async Task<string[]> LinesAsync(string[] files, params string[] arguments)
    {
        string[] all = [
            "-i",
            $"PATH={Environment.GetEnvironmentVariable("PATH")}",
            $"HOME={Environment.GetEnvironmentVariable("HOME")}",
            "docker",
            "compose",
            "--env-file", Repository.At("docker", ".env.example"), .. files, .. arguments];
        return (await Shell.RunAsync("env", all)).OrThrow("docker compose").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static IEnumerable<string> Sorted(IEnumerable<string> names) => names.Order(StringComparer.Ordinal);
}
