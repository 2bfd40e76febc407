// SPDX-License-Identifier: Apache-2.0
/**
 * Makes `dist/`, which is what a package runs: the declarations of src/ and attestors/ and the modules that `package.json`
 * exports, in the layout of the checkout, and the command and the daemon joined into a few files (`bundle.ts`).
 * `npm pack` runs it (`prepack`).
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { bundle } from './bundle.ts';

const top = resolve(import.meta.dirname, '..');
const dist = join(top, 'dist');
const exported = Object.values(manifest.exports).map((one) => one.default);

for (const folder of ['src', 'attestors']) refuseResources(folder);
rmSync(dist, { recursive: true, force: true });
execFileSync(join(top, 'node_modules/.bin/tsc'), ['-p', join(top, 'tsconfig.build.json')], { stdio: 'inherit' });
await bundle(top, dist, exported);

/** A module that is joined with others could not find a file that lay beside it. */
function refuseResources(folder: string): void {
  const entries = readdirSync(join(top, folder), { recursive: true, withFileTypes: true });
  for (const { name, parentPath } of entries.filter((entry) => entry.isFile()))
    if (!name.endsWith('.ts'))
      throw new Error(`${join(parentPath, name)} is no module, and would have no place in dist/`);
}
