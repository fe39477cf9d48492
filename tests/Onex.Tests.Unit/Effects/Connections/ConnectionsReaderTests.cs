using Onex.Contracts.Diagnostics;
using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Effects.Discovery;
using Onex.Hosting.Running;

namespace Onex.Tests.Unit.Effects.Connections;

public sealed class ConnectionsReaderTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("onex-connections-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Connection_files_are_merged_and_read_in_full()
    {
        Write("a.yaml", """
            connections:
              stock:
                type: http
                url: "http://stock.internal:9001/api"
                headers: { Authorization: "Bearer ${secret:STOCK_TOKEN}", X-Plain: "${env:HOME}" }
                timeout: 10s
                retry: { attempts: 3, first: 100ms, factor: 1.5, max: 5s, jitter: none, within: 2m }
                breaker: { ratio: 0.3, calls: 20, within: 1m, pause: 5s }
                rate_limit: 50/s
                concurrency: 8
                allow: [build.internal, 10.0.0.0/8, "::1"]
                public: { region: eu-1, shards: 4, share: 0.5, live: true, code: "007" }
            """);
        Write("b.yaml", "connections:\n  payments: { type: http, url: 'https://pay.example/v1' }\n");
        Write("notes.txt", "not: read");

        var reading = Read(new() { ["STOCK_TOKEN"] = "token" });

        Assert.Empty(reading.Diagnostics);
        Assert.Equal(["payments", "stock"], reading.Connections.Keys.Order(StringComparer.Ordinal));
        var stock = reading.Connections["stock"];
        Assert.Equal("http://stock.internal:9001/api", stock.Url!.ToString());
        Assert.Equal([new("Authorization", "Bearer token"), new("X-Plain", "${env:HOME}")], stock.Headers);
        Assert.Equal(new BreakerSettings(0.3, 20, TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(5)), stock.Breaker);
        Assert.Equal((new RateLimit(50, TimeSpan.FromSeconds(1)), 8), (stock.RateLimit, stock.Concurrency));
        Assert.Equal(2, stock.Allow.Networks.Count);
        var described = reading.Describe()!["stock"];
        Assert.Equal(("http", 10_000), (described.Type, described.TimeoutMs));
        Assert.Equal(
            [CelValue.String("eu-1"), CelValue.Int(4), CelValue.Double(0.5), CelValue.Bool(true), CelValue.String("007")],
            new[] { "region", "shards", "share", "live", "code" }.Select(
                name => described.Public.TryGetField(name, out var value) ? value : CelValue.Null));
        Assert.Equal(
            new RetryPolicy(
                3, TimeSpan.FromMilliseconds(100), 1.5, TimeSpan.FromSeconds(5), Jitter.None, TimeSpan.FromMinutes(2)), described.Retry);
    }

    [Fact]
    public void A_retry_policy_without_max_waits_at_least_as_long_as_first()
    {
        Write("a.yaml", "connections:\n  x: { type: http, url: 'http://x', retry: { first: 30m } }\n");

        Assert.Equal(TimeSpan.FromMinutes(30), Read([]).Describe()!["x"].Retry!.Max);
    }

    [Fact]
    public void Limits_may_have_a_scope_and_a_key()
    {
        Write("a.yaml", """
            connections:
              both:
                type: http
                url: "http://x"
                rate_limit: { permits: 50, per: 1s, scope: cluster, key: "${input.tenant}" }
                concurrency: { max: 8, key: "${input.tenant}" }
              plain: { type: http, url: "http://x", rate_limit: { permits: 50, per: 2s }, concurrency: { max: 8 } }
              slots: { type: http, url: "http://x", concurrency: { max: 8, scope: cluster } }
            """);

        var reading = Read([]);

        Assert.Empty(reading.Diagnostics);
        var (both, plain, slots) = (reading.Connections["both"], reading.Connections["plain"], reading.Connections["slots"]);
        Assert.Equal((null, ConnectionTypes.ConcurrencyOf("http"), "${input.tenant}"), (both.RateLimit, both.Concurrency, both.LimitKey));
        Assert.Equal(
            new SharedLimitSettings(new RateLimit(50, TimeSpan.FromSeconds(1)), true, 8, false)
            {
                IsRateKeyed = true,
                IsConcurrencyKeyed = true,
            },
            both.Shared);
        Assert.Equal("${input.tenant}", reading.Describe()!["both"].LimitKey);
        Assert.Equal((new RateLimit(50, TimeSpan.FromSeconds(2)), 8, null), (plain.RateLimit, plain.Concurrency, plain.Shared));
        Assert.Equal((8, new SharedLimitSettings(null, false, 8, true)), (slots.Concurrency, slots.Shared));
    }

    [Theory]
    [InlineData("consul://stock", "consul", "stock", null, null, "http://stock/")]
    [InlineData("consul://stock/api?tag=a%20b&dc=east&scheme=https", "consul", "stock", "a b", "east", "https://stock/api")]
    [InlineData("srv://_http._tcp.stock.internal/api", "srv", "_http._tcp.stock.internal", null, null, "http://stock.internal/api")]
    [InlineData("srv://stock.internal?scheme=https", "srv", "stock.internal", null, null, "https://stock.internal/")]
    public void A_url_may_name_a_service_instead_of_a_host(
        string url, string scheme, string name, string? tag, string? datacenter, string root)
    {
        Write("a.yaml", $"connections:\n  stock: {{ type: http, url: '{url}' }}\n");

        var reading = Read([]);

        Assert.Empty(reading.Diagnostics);
        var stock = reading.Connections["stock"];
        Assert.Equal(new ServiceAddress(scheme, name, tag, datacenter), stock.Service);
        Assert.Equal(root, stock.Url!.ToString());
    }

    [Theory]
    [InlineData(
        "stok: { type: http, url: 'http://x', headrs: {} }",
        "2:40: ONEX1010: connection 'stok' has no key 'headrs'. Did you mean 'headers'?")]
    [InlineData(
        "x: { url: 'http://x' }", "2:3: ONEX1013: connection 'x' needs 'type'. Add 'type: http' or 'type: postgres' or 'type: consul'")]
    [InlineData("x: { type: htp, url: 'http://x' }", "2:14: ONEX2003: 'htp' is not a connection type. Did you mean 'http'?")]
    [InlineData(
        "x: { type: kafka, brokers: 'k:9092', security_protocol: SASL_SSL, sasl_mechanism: PLAIN, user: u }",
        "2:3: ONEX1013: connection 'x' needs 'password'. Add 'password'.")]
    [InlineData("x: { type: kafka }", "2:3: ONEX1013: connection 'x' needs 'brokers'. Add 'brokers'.")]
    [InlineData(
        "x: { type: kafka, brokers: 'k:9092', security_protocol: TLS }",
        "2:59: ONEX1012: 'security_protocol' must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL, not another word.")]
    [InlineData(
        "x: { type: redis, url: 'redis://c', host: db }",
        "2:39: ONEX1010: connection 'x' has no key 'host'. Keys here: type, timeout, retry, breaker, rate_limit, concurrency, public, "
            + "url, user, password, database,")]
    [InlineData(
        "x: { type: redis, url: 'http://cache' }",
        "2:26: ONEX2005: the url of connection 'x' is not a redis or rediss address. Write it in full: redis://cache.internal:6379.")]
    [InlineData(
        "x: { type: redis, url: 'redis://me:hidden@cache' }",
        "2:26: ONEX2005: the url of connection 'x' holds a user name. Give it as 'user' and 'password'.")]
    [InlineData(
        "x: { type: redis, url: 'redis://cache/2' }",
        "2:26: ONEX2005: the url of connection 'x' has a path. Give the number of the database as 'database'.")]
    [InlineData(
        "x: { type: redis, url: 'redis://cache', database: -1 }", "2:53: ONEX1049: 'database' must be a whole number from 0 to 100000.")]
    [InlineData(
        "x: { type: redis, url: 'rediss://cache', ca_file: none.pem }",
        "2:53: ONEX2011: 'ca_file' names 'none.pem', which cannot be read or holds no usable certificate.")]
    [InlineData(
        "x: { type: vault, url: 'http://vault:8200', token: '${secret:NOT_THERE}' }", "2:54: ONEX2006: the secret NOT_THERE is not set.")]
    [InlineData("x: { type: consul, token: hidden }", "2:3: ONEX1013: connection 'x' needs 'url'. Add 'url'.")]
    [InlineData("x: { type: filesystem }", "2:3: ONEX1013: connection 'x' needs 'root'. Add 'root'.")]
    [InlineData(
        "x: { type: postgres, host: db, user: onex }",
        "2:3: ONEX1013: connection 'x' needs 'database'. Add 'database', or a 'url' that holds it.")]
    [InlineData(
        "x: { type: postgres, url: 'postgres://u@db/d', host: db }",
        "2:50: ONEX1014: connection 'x' cannot have both 'url' and 'host'. Keep one of them.")]
    [InlineData(
        "x: { type: postgres, url: 'http://hidden@db/d' }",
        "2:29: ONEX2005: the url of connection 'x' is not an address of a database. Write postgres://")]
    [InlineData(
        "x: { type: postgres, url: 'postgres://u@db/d?options=hidden' }",
        "2:29: ONEX2005: the url of connection 'x' is not an address of a database.")]
    [InlineData("x: { type: postgres, url: 'postgres://db/d' }", "2:3: ONEX1013: connection 'x' needs 'user'.")]
    [InlineData(
        "x: { type: postgres, host: h, database: d, user: u, port: 0 }", "2:61: ONEX1049: 'port' must be a whole number from 1 to 65535.")]
    [InlineData(
        "x: { type: postgres, host: h, database: d, user: u, sslmode: full }", "2:64: ONEX1012: 'sslmode' must be one of disable, allow")]
    [InlineData(
        "x: { type: postgres, host: h, database: d, user: u, concurrency: 5000 }",
        "2:68: ONEX1049: 'concurrency' must be a whole number from 1 to 1000.")]
    [InlineData(
        "x: { type: postgres, host: h, database: d, user: u, password: '${secret:NOT_THERE}' }",
        "2:65: ONEX2006: the secret NOT_THERE is not set.")]
    [InlineData(
        "x: { type: postgres, host: h, database: d, user: u, password: [hidden] }",
        "2:65: ONEX1012: 'password' must be a single value, not a list.")]
    [InlineData(
        "x: { type: postgres, host: h, database: d, user: u, headers: {} }", "2:55: ONEX1010: connection 'x' has no key 'headers'.")]
    [InlineData(
        "x: { type: http, url: 'http://x', public: { token: '${secret:STOCK_TOKEN}' } }",
        "2:54: ONEX2010: a public property cannot refer to a secret.")]
    [InlineData("x: { type: http, url: 'http://x', public: { a-b: c } }", "2:47: ONEX2010: 'a-b' cannot name a property.")]
    [InlineData("x: { type: http, url: 'http://x', public: [a] }", "2:45: ONEX1012: 'public' must be a map, not a list.")]
    [InlineData("x: { type: http }", "2:3: ONEX1013: connection 'x' needs 'url'. Add 'url', or hosts")]
    [InlineData("x: { type: http, url: 'http://x', rate_limit: { permits: 5 } }", "2:49: ONEX1013: 'rate_limit' needs 'per'. Add 'per'.")]
    [InlineData("x: { type: http, url: 'http://x', concurrency: { scope: cluster } }", "2:50: ONEX1013: 'concurrency' needs 'max'.")]
    [InlineData(
        "x: { type: http, url: 'http://x', concurrency: { max: 5, scope: all } }",
        "2:67: ONEX1012: 'scope' must be 'process' or 'cluster', not 'all'.")]
    [InlineData(
        "x: { type: http, url: 'http://x', rate_limit: { permits: 10001, per: 1h, scope: cluster } }",
        "2:60: ONEX2009: a rate with 'scope: cluster' has at most 10000 permits.")]
    [InlineData(
        "x: { type: http, url: 'http://x', rate_limit: { permits: 5, per: 1s, key: a }, concurrency: { max: 5, key: b } }",
        "2:95: ONEX2009: the 'key' of 'concurrency' is not that of 'rate_limit', and a connection has only one.")]
    [InlineData("x: { type: http, url: 'consul://stock:80' }", "2:25: ONEX2005: the url of connection 'x' has a port. Leave it out")]
    [InlineData("x: { type: http, url: 'consul:///api' }", "2:25: ONEX2005: the url of connection 'x' names no service.")]
    [InlineData("x: { type: http, url: 'consul://10.0.0.1' }", "2:25: ONEX2005: the url of connection 'x' names no service.")]
    [InlineData(
        "x: { type: http, url: 'consul://stock?tags=a' }",
        "2:25: ONEX2005: the url of connection 'x' has another query. Of the query, scheme, tag, dc are allowed")]
    [InlineData(
        "x: { type: http, url: 'srv://stock.internal?tag=a' }",
        "2:25: ONEX2005: the url of connection 'x' has another query. Of the query, scheme are allowed")]
    [InlineData(
        "x: { type: http, url: 'consul://stock?scheme=ftp' }", "2:25: ONEX2005: the url of connection 'x' has another scheme. Write")]
    [InlineData(
        "x: { type: http, url: 'consul://stock', proxy: 'http://p:1' }",
        "2:50: ONEX2005: the proxy of connection 'x' would connect to the service's instances unchecked. Leave out the proxy")]
    [InlineData(
        "x: { type: redis, url: 'consul://cache' }",
        "2:26: ONEX2005: connection 'x' has the address of a service, which only connections of type http can look up. Write")]
    [InlineData(
        "x: { type: kafka, brokers: 'consul://kafka' }",
        "2:30: ONEX2005: connection 'x' has the address of a service, which only connections of type http can look up. Write")]
    [InlineData(
        "x: { type: postgres, host: 'srv://db', database: d, user: u }",
        "2:30: ONEX2005: connection 'x' has the address of a service, which only connections of type http can look up. Write")]
    [InlineData(
        "x: { type: postgres, url: 'consul://u@db/d' }",
        "2:29: ONEX2005: connection 'x' has the address of a service, which only connections of type http can look up. Write")]
    [InlineData(
        "x: { type: consul, url: 'consul://consul' }",
        "2:27: ONEX2005: connection 'x' has the address of a service, which only connections of type http can look up. Write")]
    [InlineData("x: { type: http, url: 'stock:9001' }", "2:25: ONEX2005: the url of connection 'x' is not an http or https address.")]
    [InlineData("x: { type: http, url: 'http://me:hidden@stock' }", "2:25: ONEX2005: the url of connection 'x' holds a user name.")]
    [InlineData("x: { type: http, url: 'http://stock?a=hidden' }", "2:25: ONEX2005: the url of connection 'x' has a query or a fragment.")]
    [InlineData("x: { type: http, url: 'http://x', timeout: 10 }", "2:46: ONEX1047: '10' is not a duration. Write a number and a unit")]
    [InlineData("x: { type: http, url: 'http://x', timeout: 2h }", "2:46: ONEX1049: 'timeout' must be from 1ms to 1h.")]
    [InlineData("x: { type: http, url: 'http://x', rate_limit: fast }",
        "2:49: ONEX2009: 'fast' is not a rate. Write a number per second, minute or hour: 50/s")]
    [InlineData(
        "x: { type: http, url: 'http://x', concurrency: 0 }", "2:50: ONEX1049: 'concurrency' must be a whole number from 1 to 10000.")]
    [InlineData("x: { type: http, url: 'http://x', breaker: { calls: 1 } }", "2:55: ONEX1049: 'calls' must be a whole number from 2")]
    [InlineData("x: { type: http, url: 'http://x', breaker: on }", "2:46: ONEX1012: 'breaker' must be a map, not text.")]
    [InlineData(
        "x: { type: http, url: 'http://x', retry: { jitter: some } }", "2:54: ONEX1012: 'jitter' must be 'full' or 'none', not 'some'.")]
    [InlineData(
        "x: { type: http, url: 'http://x', retry: { first: 10s, max: 5s } }", "2:63: ONEX1049: 'max' must be at least 'first'.")]
    [InlineData(
        "x: { type: http, url: 'http://x', retry: { tries: 3 } }", "2:46: ONEX1010: 'retry' has no key 'tries'. Did you mean 'attempts'?")]
    [InlineData("x: { type: http, url: 'http://x', allow: 10.0.0.0/8 }", "2:44: ONEX1012: 'allow' must be a list of hosts and ranges")]
    [InlineData(
        "x: { type: http, url: 'http://x', allow: [10.0.0.0/40] }",
        "2:45: ONEX2008: '10.0.0.0/40' is neither a host nor an address range.")]
    [InlineData(
        "x: { type: http, url: 'http://x', headers: { Host: hidden } }", "2:48: ONEX2007: the header 'Host' is set by the runtime.")]
    [InlineData(
        "x: { type: http, url: 'http://x', headers: { A: '${secret:NOT_THERE}' } }",
        "2:51: ONEX2006: the secret NOT_THERE is not set. Set NOT_THERE, or NOT_THERE_FILE")]
    [InlineData(
        "x: { type: http, url: 'http://x', headers: { A: '${secret:PLACEHOLDER}' } }",
        "2:51: ONEX2006: the secret PLACEHOLDER is still a placeholder.")]
    [InlineData(
        "x: { type: http, url: 'http://x', headers: { A: '${secret:BROKEN}' } }",
        "2:48: ONEX2007: the value of the header 'A' holds a control character.")]
    [InlineData(
        "x: { type: http, url: 'http://x', headers: { A: '${secret:vault:kv#f}' } }",
        "2:51: ONEX2006: 'vault:kv#f' does not name a path with its mount and a field of Vault.")]
    [InlineData(
        "x: { type: http, url: 'http://x', headers: { A: '${secret:a b}' } }", "2:51: ONEX2006: 'a b' cannot be the name of a secret.")]
    [InlineData(
        "x: { type: http, url: 'http://x', headers: { A: ${secret:hidden} } }",
        "2:51: ONEX1041: YAML misreads this value. Quote it: A: \"")]
    [InlineData("x: { type: http, url: 'http://x', headers: { A:hidden } }", "2:48: ONEX1200: YAML reads 'A:******' as one word")]
    [InlineData(
        "x: { type: http, url: 'http://x', headers: { A: \u201Chidden\u201D } }",
        "2:51: ONEX1201: YAML reads the quotes of ******** as part of the text")]
    [InlineData("Stock_1: { type: http, url: 'http://x' }", "2:3: ONEX2002: 'Stock_1' cannot name a connection.")]
    [InlineData("x: &a { type: http, url: 'http://x' }", "2:6: ONEX1002: an anchor is not allowed here.")]
    [InlineData("x: { type: http", "ONEX1001: invalid YAML or JSON")]
    [InlineData("x: [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]", "ONEX1006: this is nested deeper than 16 levels.")]
    public void An_error_has_its_code_position_and_remedy(string entry, string expected)
    {
        Write("a.yaml", $"connections:\n  {entry}\n");

        var reading = Read(new() { ["PLACEHOLDER"] = "__REPLACE_WITH_SECURE_PASSWORD__", ["BROKEN"] = "hidden\r\nX: y" });

        var diagnostic = Assert.Single(reading.Diagnostics);
        Assert.Contains(expected, Line(diagnostic), StringComparison.Ordinal);
        Assert.Equal(Path.Combine(_directory, "a.yaml"), diagnostic.Path);
        Assert.DoesNotContain(
            "hidden", diagnostic.Render().Replace("${secret:hidden}", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.True(reading.HasErrors);
    }

    [Fact]
    public void Every_problem_of_every_file_is_reported_at_once()
    {
        Write("a.yaml", "connections:\n  x: { type: http, url: nowhere, timeout: soon }\n  y: { type: http, url: 'http://y' }\n");
        Write("b.yaml", "connection: {}\n");
        Write("c.yaml", "connections: { y: { type: http, url: 'http://z' } }\n");
        Write("d.yml", "connections: {}\n");
        Write("e.yaml", "# nothing yet\n");

        var reading = Read([]);

        Assert.Equal(
            [
                "1:1: ONEX2001: 'd.yml' is not read: files of connections end in '.yaml'. Rename it to end in '.yaml', or remove it.",
                "2:25: ONEX2005: the url of connection 'x' is not an http or https address. Write it in full: "
                    + "http://stock.internal:9001/api.",
                "2:43: ONEX1047: 'soon' is not a duration. Write a number and a unit, above zero: 200ms, 1.5s, 2m, 1h30m, 7d.",
                "1:1: ONEX1010: a file of connections has no key 'connection'. Did you mean 'connections'? Keys here: connections.",
                $"1:16: ONEX2004: connection 'y' is defined at {Path.Combine(_directory, "a.yaml")}:3:3 already. Give one of the two "
                    + $"another name, or remove it.",
            ],
            reading.Diagnostics.Select(Line));
        Assert.Equal(["y"], reading.Connections.Keys);
    }

    // A literal value in the place of a reference is a secret, too; so is the text after the host of an address.
    [Theory]
    [InlineData(
        "  x: { type: http, url: http://me:hidden@stock/hidden, timeout: 1s }",
        "  x: { type: http, url: http://**********stock*******, timeout: 1s }")]
    [InlineData("  x: { url: 'http://me:hid@den@stock' }", "  x: { url: '***********************' }")]
    [InlineData("    Authorization: Bearer hidden", "    Authorization: ****** ******")]
    [InlineData("    hidden", "    ******")]
    [InlineData("      password: hidden:hidden # hidden", "      password: ************* * ******")]
    [InlineData("      token: \"${secret:TOKEN}hidden\"", "      token: \"${secret:TOKEN}******\"")]
    [InlineData("      allow: [build.internal, 10.0.0.0/8]", "      allow: [build.internal, 10.0.0.0/8]")]
    public void A_displayed_line_contains_no_secrets(string line, string shown) => Assert.Equal(shown, ConnectionsFile.Mask(line));

    [Theory]
    [InlineData("connections:\n  stock: { type: http, url: nowhere, public: { region: eu } }\n", "ONEX2005")]
    [InlineData("connections:\n  stock: { type: htp }\n", "ONEX2003")]
    [InlineData("connections:\n  stock: { type: http, url: ${secret:STOCK} }\n", "ONEX1041")]
    [InlineData("conections:\n  stock: { type: http, url: 'http://x' }\n", "ONEX1010")]
    public void An_invalid_connection_is_not_reported_as_missing_by_contracts(string connections, string code)
    {
        Write("a.yaml", connections);
        var reading = Read([]);
        var contract = """
            contract: small
            version: 1.0.0
            input: {}
            initial: look
            states:
              look:
                steps: [{ id: look, effect: http.get, connection: stock, with: { path: "/${connections.stock.region}" } }]
                next: done
              done: { end: completed }
            """;

        var compilation = ContractCompiler.Compile(
            new ContractSource("small.yaml", contract, ImmutableSortedDictionary<string, string>.Empty),
            new CompilerContext(new OperationCatalogue(EffectOperations.Descriptors), reading.Describe()));

        Assert.Equal(code, Assert.Single(reading.Diagnostics).Code);
        Assert.Empty(compilation.Diagnostics);
    }

    [Fact]
    public void A_secret_may_come_from_a_file_and_an_address_from_the_environment()
    {
        var secret = Path.Combine(_directory, "token");
        File.WriteAllText(secret, "from-file\n");
        Write("a.yaml", "connections:\n  big-stock: { type: http, url: 'http://x', headers: { A: '${secret:TOKEN}' } }\n");

        var connection = Read(
            new() { ["TOKEN_FILE"] = secret, ["ONEX_CONNECTION_BIG_STOCK_URL"] = "http://127.0.0.1:9" }).Connections["big-stock"];

        Assert.Equal([new("A", "from-file")], connection.Headers);
        Assert.Equal("http://127.0.0.1:9/", connection.Url!.ToString());
        Assert.DoesNotContain("from-file", connection.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_database_is_configured_by_parts_or_by_one_URL()
    {
        Write("a.yaml", """
            connections:
              parts:
                { type: postgres, host: db.internal, port: 6543, database: ledger, user: onex, password: "${secret:PASSWORD}",
                  sslmode: verify-full }
              whole: { type: postgres, url: "postgres://me%40corp:${secret:PASSWORD}@[::1]/led%20ger?sslmode=require", concurrency: 3 }
              moved: { type: postgres, host: old, port: 1, database: old, user: onex, password: kept }
            """);

        var reading = Read(new() { ["PASSWORD"] = "p%3Aw", ["ONEX_CONNECTION_MOVED_URL"] = "postgresql://new/other" });

        Assert.Empty(reading.Diagnostics);
        Assert.Equal(
            [
                "ledger onex p%3Aw db.internal 6543 VerifyFull 16",
                "led ger me@corp p:w ::1 5432 Require 3",
                "other onex kept new 5432 Prefer 16",
            ],
            reading.Connections.Values.Select(connection =>
                $"{connection.Database!.Database} {connection.Database.User} {connection.Database.Password} {connection.Database.Host} "
                + $"{connection.Database.Port} {connection.Database.SslMode} {connection.Concurrency}"));
        Assert.Equal("postgres", reading.Describe()!["parts"].Type);
        Assert.DoesNotContain("p%3Aw", reading.Connections["parts"].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Checking_contracts_needs_no_secrets()
    {
        Write("a.yaml", "connections:\n  x: { type: http, url: 'http://${secret:HOST}/', headers: { A: '${secret:TOKEN}' } }\n"
            + "  y: { type: postgres, host: h, database: d, user: u, password: '${secret:PASSWORD}' }\n  z: { type: postgres, url: "
            + "'${secret:ADDRESS}' }\n");

        var reading = ConnectionsReader.Read(_directory, new Dictionary<string, string>(), resolveSecrets: false);

        Assert.Empty(reading.Diagnostics);
        Assert.Equal(["http", "postgres", "postgres"], reading.Describe()!.Values.Select(connection => connection.Type));
    }

    [Fact]
    public void A_missing_directory_has_no_connections()
    {
        var reading = ConnectionsReader.Read(Path.Combine(_directory, "none"), new Dictionary<string, string>(), resolveSecrets: true);

        Assert.Empty(reading.Connections);
        Assert.Empty(reading.Diagnostics);
    }

    [Fact]
    public void VAULT_CACERT_applies_to_a_Vault_connection_without_ca_file()
    {
        using var certificates = new TestCertificates();
        Write("a.yaml", "connections: { v: { type: vault, url: 'https://vault', token: t } }\n");

        var tls = Read(new() { ["VAULT_CACERT"] = certificates.CaFile }).Connections["v"].Tls;

        Assert.Single(tls.Options("vault").CertificateChainPolicy!.CustomTrustStore);
        var missing = new Dictionary<string, string> { ["VAULT_CACERT"] = "/none.pem" };
        Assert.StartsWith(
            "1:16: ONEX2011: 'VAULT_CACERT' names '/none.pem', which cannot be read", Line(Assert.Single(Read(missing).Diagnostics)),
            StringComparison.Ordinal);
        Assert.Contains(
            "VAULT_CACERT names '/none.pem'", Assert.Throws<ConfigurationException>(() => VaultReader.FromSettings(missing)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_Vault_connection_changes_with_the_content_of_the_file_in_VAULT_CACERT()
    {
        using var first = new TestCertificates();
        using var second = new TestCertificates();
        Write("a.yaml", "connections: { v: { type: vault, url: 'https://vault', token: t } }\n");
        var environment = new Dictionary<string, string> { ["VAULT_CACERT"] = first.CaFile };

        var before = Read(environment).Connections["v"];
        File.Copy(second.CaFile, first.CaFile, overwrite: true);
        var after = Read(environment).Connections["v"];

        Assert.False(before.IsSameAs(after));
        Assert.True(after.IsSameAs(Read(environment).Connections["v"]));
    }

    private ConnectionsResult Read(Dictionary<string, string> environment) =>
        ConnectionsReader.Read(_directory, environment, resolveSecrets: true);

    private static string Line(Diagnostic diagnostic) =>
        $"{diagnostic.Line}:{diagnostic.Column}: {diagnostic.Code}: {diagnostic.Problem} {diagnostic.Remedy}";

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_directory, name), text);
}
