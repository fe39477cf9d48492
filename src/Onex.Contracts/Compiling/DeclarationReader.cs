using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>Reads the declarations of a contract, before the parts that refer to them are read.</summary>
internal sealed class DeclarationReader(ContractScope scope, ExpressionReader expressions, RetryReader retries, EventReader events)
{
    private int _stepCount;

    /// <summary>Fills <see cref="ContractScope.Declared"/> and returns the map of states; null if there is none.</summary>
    public MapSyntax? Read(MapSyntax root)
    {
        ReadData(root);
        ReadRetries(root);
        events.ReadEvents(root.Find("events"));
        scope.Declared.HasAnyState = root.Has("any_state");
        var states = scope.Map(root.Find("states"), "'states'");
        DeclareStates(states);
        return states;
    }

    private void ReadData(MapSyntax root)
    {
        var map = scope.Map(root.Find("data"), "'data'");
        if (map?.Entries.Count > Limits.DataFieldsMax)
        {
            scope.Report(ContractDiagnostics.TooMany(map.Entries[Limits.DataFieldsMax].Key.At, "fields of 'data'", Limits.DataFieldsMax));
        }

        foreach (var (name, value) in (map?.Entries ?? []).Take(Limits.DataFieldsMax))
        {
            if (!Names.IsIdentifier(name.Text))
            {
                scope.Report(ContractDiagnostics.BadName(name.At, "a field of 'data'", name.Text, allowsDashes: false));
            }

            scope.Declared.Data[name.Text] = ReadField(name.Text, value);
        }
    }

    private DataField ReadField(string name, SyntaxNode node)
    {
        // { type: int, initial: 0 } is a field with an initial value; { type: string } alone is an object with a field named 'type'.
        if (node is not MapSyntax map || !map.Has("type") || !map.Has("initial"))
        {
            return new DataField(name, scope.Types.Read(node), null);
        }

        scope.CheckKeys(map, Keys.DataField);
        var type = scope.Types.Read(map.Find("type")!);
        var initial = map.Find("initial")!;
        new UnevaluatedTextChecks(scope, expressions.Types).CheckInitial(initial, name);
        if (!type.TryConvert(initial.ToValue(), out var converted, out var problem))
        {
            scope.Report(ContractDiagnostics.InitialWrong(initial.At, name, problem!.ToString()));
        }

        return new DataField(name, type, converted);
    }

    private void ReadRetries(MapSyntax root)
    {
        foreach (var (name, value) in scope.Map(root.Find("retries"), "'retries'")?.Entries ?? [])
        {
            scope.Declared.Retries[name.Text] = scope.Map(value, $"the policy '{Spelling.Clip(name.Text)}'") is { } policy
                ? retries.ReadPolicy(policy)
                : RetryPolicy.Default;
        }
    }

    private void DeclareStates(MapSyntax? map)
    {
        if (map?.Entries.Count > scope.Limits.States)
        {
            scope.Report(ContractDiagnostics.TooMany(
                map.Entries[scope.Limits.States].Key.At, "states", scope.Limits.States, "ONEX_MAX_STATES"));
        }

        // Declares states above the limit too, so that transitions to them are not reported as unknown states.
        foreach (var (name, value) in map?.Entries ?? [])
        {
            if (Names.ReservedStates.Contains(name.Text))
            {
                scope.Report(ContractDiagnostics.ReservedState(name.At, name.Text));
            }
            else if (!Names.IsState(name.Text))
            {
                scope.Report(ContractDiagnostics.BadName(name.At, "a state", name.Text, allowsDashes: true));
            }

            scope.Declared.States[name.Text] = name.At;
            if (value is MapSyntax state)
            {
                state.AliasMisspeltKeys(Keys.State.Known);
                DeclareSteps(state.Find("steps"), name.Text);
            }
        }
    }

    // Declares the steps of branches too, and invalid steps, so that one diagnostic does not cause others about unknown steps.
    private void DeclareSteps(SyntaxNode? node, string state)
    {
        switch (node)
        {
            case ListSyntax list:
                foreach (var item in list.Items)
                {
                    DeclareSteps(item, state);
                }

                break;
            case MapSyntax map:
                map.AliasMisspeltKeys(Keys.OfSteps);
                if (_stepCount++ == scope.Limits.Steps)
                {
                    scope.Report(ContractDiagnostics.TooMany(map.At, "steps", scope.Limits.Steps, "ONEX_MAX_STEPS"));
                }

                if (map.Find("id") is ScalarSyntax id)
                {
                    scope.Declared.Steps.TryAdd(id.Text, state);
                    scope.Declared.StepNodes.TryAdd(id.Text, map);

                    if (map.Find("compensate") is MapSyntax compensation && !compensation.Has("none"))
                    {
                        scope.Declared.WithCompensation.Add(id.Text);
                    }

                    if (StepReader.HasNoResult(map))
                    {
                        scope.Declared.WithoutResult.Add(id.Text);
                    }
                }

                DeclareSteps((map.Find("parallel") as MapSyntax)?.Find("branches"), state);
                DeclareSteps(map.Find("steps"), state);
                break;
        }
    }
}
