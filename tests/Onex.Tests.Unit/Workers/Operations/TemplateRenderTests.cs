namespace Onex.Tests.Unit.Workers.Operations;

public sealed class TemplateRenderTests
{
    [Theory]
    [InlineData("Dear {{ name | upcase }},", """{"name":"ann"}""", "Dear ANN,")]
    [InlineData("{% for l in lines %}{{ forloop.index }}. {{ l.sku }} {{ l.n | times: 2 }};{% endfor %}",
        """{"lines":[{"sku":"a","n":1},{"sku":"b","n":1.5}]}""", "1. a 2;2. b 3.0;")]
    [InlineData("{% capture x %}<{{ a }}>{% endcapture %}{{ x }}{{ x }}", """{"a":1}""", "<1><1>")]
    [InlineData("{% if a and b == 'x' %}yes{% else %}no{% endif %}", """{"a":true,"b":"x"}""", "yes")]
    [InlineData("{% for i in (1..3) %}{{ i }}{% endfor %}", "{}", "123")]
    [InlineData("{{ a | replace: 'x', 'yy' | join: ',' }}", """{"a":"x-x"}""", "yy-yy")]
    [InlineData("{{ a | join: '+' }}", """{"a":[1,2]}""", "1+2")]
    [InlineData("{{ a | date: '%Y-%m-%d' }}", """{"a":"2030-01-31T12:00:00Z"}""", "2030-01-31")]
    [InlineData("{{ a }}", """{"a":"<b>"}""", "<b>")]
    public Task A_template_is_rendered(string template, string values, string expected) => ComputeHarness.CompletesAsync(
        "template.render", Arguments(template, values), JsonSerializer.Serialize(new { text = expected }));

    [Fact]
    public Task Values_are_escaped_for_HTML_on_request() => ComputeHarness.CompletesAsync(
        "template.render",
        """{"template":"<i>{{ a }}</i>{% capture c %}{{ a }}{% endcapture %}{{ c }}","values":{"a":"<b>"},"html":true}""",
        """{"text":"<i>&lt;b&gt;</i>&lt;b&gt;"}""");

    [Fact]
    public Task Missing_names_are_empty_on_request() => ComputeHarness.CompletesAsync(
        "template.render", """{"template":"[{{ a.b }}]","strict":false}""", """{"text":"[]"}""");

    [Theory]
    [InlineData("{{ a }}", "template_failed", "a")]
    [InlineData("{{ 'a' | shout }}", "template_failed", "shout")]
    [InlineData("{{ 'now' | date: '%Y' }}", "template_failed", "no clock")]
    [InlineData("{% include 'secrets' %}", "template_failed", "secrets")]
    [InlineData("{{ 10 | times: 99999999999999999999 | times: 99999999999999999999 }}", "template_failed", "too large")]
    [InlineData("{% if a %}", "arguments_invalid", "'template': ")]
    [InlineData("{{ ", "arguments_invalid", "'template': ")]
    public Task A_template_that_cannot_be_rendered_is_rejected(string template, string code, string messagePart) =>
        ComputeHarness.RejectsAsync("template.render", Arguments(template, "{}"), code, messagePart);

    [Theory]
    [InlineData("{% for i in (1..2000000000) %}{{ i }}{% endfor %}", "result_too_large", "a range has more than 10,000 items")]
    [InlineData("{% assign r = (1..2000000000) %}{{ r | size }}", "result_too_large", "a range has more than 10,000 items")]
    [InlineData("{% for i in (1..9000) %}{% for j in (1..9000) %}{% endfor %}{% endfor %}", "template_failed", "more than 100,000 steps")]
    [InlineData("{% assign a = 'x' %}{% for i in (1..9000) %}{% assign a = a | append: a %}{% endfor %}",
        "result_too_large", "more than 16,777,216 characters")]
    [InlineData("{% assign a = 'xx' %}{% for i in (1..9000) %}{% assign a = a | replace: 'x', 'xxxx' %}{% endfor %}",
        "result_too_large", "more than 16,777,216 characters")]
    [InlineData("{% assign a = 'x' %}{% for i in (1..60) %}{% capture a %}{{ a }}{{ a }}{% endcapture %}{% endfor %}",
        "result_too_large", "more than 16,777,216 characters")]
    [InlineData("{% assign a = 'a' | split: ',' %}{% for i in (1..60) %}{% assign a = a | concat: a %}{% endfor %}",
        "result_too_large", "more than 16,777,216 characters")]
    [InlineData(
        "{% assign a = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..16) %}{% assign a = a | append: a %}{% endfor %}{{ a | split: '' | size }}",
        "result_too_large", "more than 16,777,216 characters")]
    [InlineData("{% assign a = '--------' | split: '' %}{% for i in (1..60) %}{% assign s = a | join: s %}{% endfor %}",
        "result_too_large", "more than 16,777,216 characters")]
    public async Task A_template_over_budget_is_rejected_and_the_next_one_is_rendered(string template, string code, string messagePart)
    {
        await ComputeHarness.RejectsAsync(
            "template.render",
            JsonSerializer.Serialize(new { template, strict = false }), code, messagePart);
        await ComputeHarness.CompletesAsync("template.render", """{"template":"ok"}""", """{"text":"ok"}""");
    }

    [Theory]
    [InlineData("", "{% if true %}", "{% endif %}", "")]
    [InlineData("{{ a", "[a", "]", " }}")]
    [InlineData("{{ 'a'", " | upcase", "", " }}")]
    [InlineData("{{ ", "(", ")", " }}")]
    [InlineData("{% if true", " and true", "", " %}x{% endif %}")]
    [InlineData("{% if true", " or true", "", " %}x{% endif %}")]
    public async Task Nesting_does_not_overflow_the_stack(string before, string open, string close, string after)
    {
        // Less than the limit of nesting, and far more.
        foreach (var depth in new[] { 900, 50_000 })
        {
            var template = before + string.Concat(Enumerable.Repeat(open, depth)) + string.Concat(Enumerable.Repeat(close, depth)) + after;

            var result = await new ComputeHarness().RunAsync("template.render", JsonSerializer.Serialize(new { template, strict = false }));

            Assert.Contains(result.Code, new[] { null, "arguments_invalid", "template_failed" });
        }
    }

    [Fact]
    public async Task A_rendering_ends_when_it_is_cancelled()
    {
        // Each comparison reads 10 MB. Without the cancellation, the limit of steps would end the rendering much later.
        using var timer = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        var arguments = JsonSerializer.Serialize(new
        {
            template = "{% for i in (1..9000) %}{% for j in (1..9000) %}{% if a contains 'y' %}{% endif %}{% endfor %}{% endfor %}",
            values = new { a = new string('x', 10_000_000) },
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            ComputeHarness.CreateOperation("template.render").RunAsync(
                RawJson.FromText(arguments), new Onex.Workers.Operations.ComputeContext(timer.Token)));
    }

    private static string Arguments(string template, string values) =>
        $$"""{"template":{{JsonSerializer.Serialize(template)}},"values":{{values}}}""";
}
