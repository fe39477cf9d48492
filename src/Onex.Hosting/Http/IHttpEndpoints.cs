using Microsoft.AspNetCore.Routing;

namespace Onex.Hosting.Http;

/// <summary>
/// Endpoints of a role, on the same port as its health. They are mapped before the bootstrap runs: an endpoint that depends on the
/// bootstrap must check <see cref="Health.RoleHealth.Initialized"/> first.
/// </summary>
public interface IHttpEndpoints
{
    /// <summary>Adds the endpoints.</summary>
    void Map(IEndpointRouteBuilder endpoints);
}
