using Onex.Contracts.Catalogue;

namespace Onex.Hosting.Plugins;

/// <summary>An operation of a plug-in.</summary>
/// <param name="Descriptor">Its entry in the catalogue.</param>
/// <param name="Class">The class that runs it.</param>
public sealed record PluginOperation(OperationDescriptor Descriptor, Type Class);
