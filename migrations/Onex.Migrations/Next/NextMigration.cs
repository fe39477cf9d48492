using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Onex.Persistence.Schema;

namespace Onex.Migrations;

/// <summary>
/// A migration after all others, for <c>docker/upgrade</c> and <c>docker/drills</c>: an image that is built with
/// <c>--build-arg NEXT_MIGRATION=true</c> needs one more migration than an ordinary one of the same commit.
/// </summary>
[DbContext(typeof(OnexDbContext))]
[Migration("99990101000000_Next")]
public sealed class NextMigration : Migration
{
    /// <inheritdoc />
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("ALTER TABLE onex.sagas ADD COLUMN next integer NOT NULL DEFAULT 0;");

    /// <inheritdoc />
    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("ALTER TABLE onex.sagas DROP COLUMN next;");
}
