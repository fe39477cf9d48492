using Onex.Runtime.Commands;
using Onex.Workers.Sandbox;

// A worker starts this program again as its sandbox, which loads nothing that only commands need.
return args is [SandboxChild.Verb, var engine] ? SandboxChild.Run(engine) : await CommandLine.RunAsync(args);
