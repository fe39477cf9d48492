using Onex.Runtime.Commands;

return await CommandLine.RunAsync(args);
