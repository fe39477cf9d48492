using Microsoft.AspNetCore.Routing;

namespace Onex.Hosting.Http;

/// <summary>
/// Endpoints of a role beside those of its health, on the same port. Mapped before anything slow starts: an endpoint that needs what the
/// bootstrap prepares looks at <see cref="Health.RoleHealth.Initialized"/> first.
/// </summary>
public interface IHttpEndpoints
{
    /// <summary>Adds them.</summary>
    void Map(IEndpointRouteBuilder endpoints);
}
