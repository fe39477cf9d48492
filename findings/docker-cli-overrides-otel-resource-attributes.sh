#!/usr/bin/env bash
# Docker's command line 28.2.2 with Compose 2.26.1. No engine is needed.
#
# Behaviour: before `docker` starts a plug-in such as `docker compose`, it appends an attribute of its own to OTEL_RESOURCE_ATTRIBUTES in the
# plug-in's environment, for the telemetry of Docker itself, also when that is off. The environment wins over `.env`, so Compose interpolates
# ${OTEL_RESOURCE_ATTRIBUTES} to Docker's text, and the line in `.env` has no effect. Every other variable of `.env` is used. The
# plug-in started by itself behaves as documented.
#
# Output seen:
#   docker compose: "docker.cli.cobra.command_path=docker%20compose" "used"
#   the plug-in by itself: "team=orders" "used"
#
# Why it matters: a service that passes the standard variable on reports the attributes of the Docker client, and those of its operators are
# lost without a message. Set it in an env_file, which is not interpolated, or in the shell, to which Docker appends.
set -euo pipefail

command -v docker >/dev/null && docker compose version >/dev/null 2>&1 || { echo "docker with its compose plug-in is missing" >&2; exit 3; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset OTEL_RESOURCE_ATTRIBUTES OTHER

cat > compose.yml <<'YAML'
name: finding
services:
  one: { image: none, environment: { ATTRIBUTES: "${OTEL_RESOURCE_ATTRIBUTES:-}", OTHER: "${OTHER:-}" } }
YAML
printf 'OTEL_RESOURCE_ATTRIBUTES=team=orders\nOTHER=used\n' > .env

values() { sed -n -e 's/^ *ATTRIBUTES: *"\{0,1\}\([^"]*\)"\{0,1\}$/"\1"/p' -e 's/^ *OTHER: *\(.*\)$/"\1"/p' | paste -sd ' '; }

plugin=$(docker info --format '{{range .ClientInfo.Plugins}}{{if eq .Name "compose"}}{{.Path}}{{end}}{{end}}' 2>/dev/null || true)
[ -x "$plugin" ] || { echo "the path of the compose plug-in is unknown" >&2; exit 3; }
through_docker=$(docker compose config | values) alone=$("$plugin" config | values)
printf 'docker compose: %s\nthe plug-in by itself: %s\n' "$through_docker" "$alone"

[ "$alone" = '"team=orders" "used"' ] || { echo "the plug-in itself no longer uses .env" >&2; exit 1; }
case $through_docker in
  '"docker.cli.cobra.command_path='*'" "used"') ;;
  *) echo "docker compose now uses .env for OTEL_RESOURCE_ATTRIBUTES" >&2; exit 1 ;;
esac
