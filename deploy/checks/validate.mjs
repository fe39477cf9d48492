// Checks manifests (YAML on standard input) against the schemas of Kubernetes, KEDA and the Prometheus operator: required fields, types
// and formats. A field that no schema knows is an error too, as with `kubeconform -strict`.
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

const packages = { "keda.sh": "@kubernetes-models/keda", "monitoring.coreos.com": "@kubernetes-models/prometheus-operator" };
const problems = [];

const manifests = parseAllDocuments(readFileSync(0, "utf8"), { version: "1.1" }).map((document) => {
  problems.push(...document.errors.map((error) => error.message));
  return document.toJS();
}).filter((manifest) => manifest !== null);

// The validators are compiled: they read exactly the properties that their schema has.
function observe(value, path, unread) {
  if (typeof value !== "object" || value === null) return value;
  const copy = Array.isArray(value) ? [] : {};
  for (const [key, child] of Object.entries(value)) {
    const name = `${path}/${key}`;
    if (!Array.isArray(value)) unread.add(name);
    copy[key] = observe(child, name, unread);
  }
  return new Proxy(copy, {
    get(target, key) {
      unread.delete(`${path}/${String(key)}`);
      return target[key];
    },
  });
}

async function validate(manifest) {
  const name = `${manifest.kind} ${manifest.metadata?.name}`;
  const [group, version] = manifest.apiVersion.includes("/") ? manifest.apiVersion.split("/") : ["", manifest.apiVersion];
  const models = await import([packages[group] ?? "kubernetes-models", group, version].filter(Boolean).join("/"));
  const unread = new Set();
  try {
    models[manifest.kind].prototype.validate.call(observe(manifest, "", unread));
    for (const path of unread) {
      // Only the outermost of unknown fields.
      if (![...unread].some((other) => path.startsWith(`${other}/`))) problems.push(`${name}: unknown field ${path}`);
    }
  } catch (error) {
    problems.push(`${name}: ${error.message}`);
  }
}

for (const manifest of manifests) await validate(manifest);
for (const problem of problems) console.error(problem);
console.log(`${manifests.length} manifests, ${problems.length} problems`);
process.exit(problems.length === 0 && manifests.length > 0 ? 0 : 1);
