using System.CommandLine;
using System.Text.Json;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Text;
using Onex.Hosting.Settings;

namespace Onex.Runtime.Commands;

/// <summary><c>onex operations list|show</c>: the operations that contracts may call, built in or of plug-ins and workers.</summary>
internal static class OperationsCommand
{
    public static Command Make(Option<bool> json)
    {
        var plugins = CommandLine.PluginsOption();
        var list = new Command("list", "List the operations: name, role, whether they change the world, and their plug-in.");
        list.SetAction(parsed => List(parsed.GetValue(plugins), parsed.GetValue(json)));
        var name = new Argument<string>("name") { Description = "The operation's name: http.post." };
        var show = new Command("show", "Show an operation: arguments, result, connection.") { name };
        show.SetAction(parsed => Show(parsed.GetValue(plugins), parsed.GetValue(name)!, parsed.GetValue(json)));
        return new Command("operations", "Show the operations that contracts may call.") { list, show, plugins };
    }

    private static int List(string? directory, bool json)
    {
        var (settings, plugins) = CommandLine.SettingsAndPlugins(directory);
        var operations = Catalogue.WithRemote(settings, plugins).All.ToList();
        if (json)
        {
            Json.Print(writer => writer.Objects("operations", operations, operation => WriteSummary(writer, operation)));
        }
        else
        {
            TableOutput.Table(
                ["name", "role", "changes", "connection", "plug-in"],
                [
                    .. operations.Select(operation => (IReadOnlyList<string>)
                    [
                        operation.Name, Role(operation), operation.ChangesWorld ? "yes" : "no", Connection(operation) ?? "",
                        operation.Package ?? "",
                    ]),
                ]);
        }

        return CommandLine.Done;
    }

    private static int Show(string? directory, string name, bool json)
    {
        var (settings, plugins) = CommandLine.SettingsAndPlugins(directory);
        var operations = Catalogue.WithRemote(settings, plugins);
        if (operations.Find(name) is not { } operation)
        {
            Console.Error.WriteLine(
                Catalogue.IsDisabled(name, settings, plugins)
                    ? $"{name} is not enabled: add its prefix to {SettingsTable.EnabledHandlers.Name}."
                    : $"There is no operation '{TableOutput.EscapeControls(name)}'. "
                        + Spelling.Suggest(name, "operations", [.. operations.All.Select(known => known.Name)]));
            return CommandLine.Failed;
        }

        if (json)
        {
            Json.Print(writer => Write(writer, operation));
        }
        else
        {
            Print(operation);
        }

        return CommandLine.Done;
    }

    private static void Print(OperationDescriptor operation)
    {
        Console.WriteLine(operation.Name);
        Console.WriteLine($"  {operation.Description}");
        PrintLine("role", Role(operation));
        PrintLine("changes", operation.ChangesWorld ? operation.Idempotent ? "yes, once however often it runs" : "yes" : "no");
        PrintLine("connection", Connection(operation));
        PrintLine("plug-in", operation.Package);
        PrintLine("topic", operation.Remote?.Topic);
        PrintLine("rejected with", operation.Rejections is { } codes ? string.Join(", ", codes) : null);
        PrintTable("arguments", [.. operation.Arguments.Select(argument => (
            argument.Name, argument.Type,
            (argument.Required ? "Required. " : "") + argument.Description
                + (argument.Default is { } standard ? $" Default: {standard}." : "")))]);
        PrintTable("result", [.. operation.Result.Select(
            field => (field.Key, field.Value, operation.ResultMeanings.GetValueOrDefault(field.Key, "")))]);

        static void PrintLine(string name, string? value)
        {
            if (value is not null)
            {
                Console.WriteLine($"{name + ":",-18} {value}");
            }
        }

        static void PrintTable(string name, IReadOnlyList<(string Name, string Type, string Meaning)> rows)
        {
            Console.WriteLine($"{name}:{(rows.Count == 0 ? " none" : "")}");
            var (names, types) = (rows.Select(row => row.Name.Length).Append(0).Max(), rows.Select(row => row.Type.Length).Append(0).Max());
            foreach (var row in rows)
            {
                Console.WriteLine($"  {row.Name.PadRight(names)}  {row.Type.PadRight(types)}  {row.Meaning}".TrimEnd());
            }
        }
    }

    private static void Write(Utf8JsonWriter writer, OperationDescriptor operation)
    {
        WriteSummary(writer, operation);
        writer.WriteString("description", operation.Description);
        writer.WriteBoolean("idempotent", operation.Idempotent);
        if (operation.Rejections is { } codes)
        {
            writer.Texts("rejections", codes);
        }

        writer.Objects("arguments", operation.Arguments, argument =>
        {
            writer.WriteString("name", argument.Name);
            writer.WriteString("type", argument.Type);
            writer.WriteBoolean("required", argument.Required);
            writer.WriteString("default", argument.Default);
            writer.WriteString("description", argument.Description);
        });
        writer.Objects("result", operation.Result, field =>
        {
            writer.WriteString("name", field.Key);
            writer.WriteString("type", field.Value);
            writer.WriteString("description", operation.ResultMeanings.GetValueOrDefault(field.Key));
        });
    }

    private static void WriteSummary(Utf8JsonWriter writer, OperationDescriptor operation)
    {
        writer.WriteString("name", operation.Name);
        writer.WriteString("role", Role(operation));
        writer.WriteBoolean("changes_world", operation.ChangesWorld);
        writer.WriteString("connection", operation.ConnectionType);
        writer.WriteString("plugin", operation.Package);
        writer.WriteString("topic", operation.Remote?.Topic);
    }

    private static string Role(OperationDescriptor operation) => operation.Role == OperationRole.Effect ? "effect" : "compute";

    private static string? Connection(OperationDescriptor operation) =>
        operation.ConnectionType is { } type ? operation.IsConnectionOptional ? $"{type} (optional)" : type : null;
}
