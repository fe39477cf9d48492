using Onex.Runtime.Commands;
using Onex.Workers.Sandbox;

// A worker starts itself as a sandbox. Nothing that commands need is loaded then.
return args is [SandboxChild.Verb, var engine] ? SandboxChild.Run(engine) : await CommandLine.RunAsync(args);
