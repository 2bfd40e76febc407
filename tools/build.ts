// SPDX-License-Identifier: Apache-2.0
/**
 * Makes `dist/`, which is what a package runs: src/ and attestors/ as JavaScript with their declarations, in the layout
 * of the checkout.
 * `npm pack` runs it (`prepack`).
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { bundle } from './bundle.ts';

const top = resolve(import.meta.dirname, '..');
const dist = join(top, 'dist');

rmSync(dist, { recursive: true, force: true });
execFileSync(join(top, 'node_modules/.bin/tsc'), ['-p', join(top, 'tsconfig.build.json')], { stdio: 'inherit' });
copyResources('src');
copyResources('attestors');
for (const file of filesBelow(dist)) if (file.endsWith('.js')) rewriteWorkerPaths(file);
await bundle(
  top,
  dist,
  Object.values(manifest.exports).map((one) => one.default),
);

/** What modules read from beside themselves: migrations and the like. */
function copyResources(folder: string): void {
  for (const file of filesBelow(join(top, folder)))
    if (!file.endsWith('.ts')) cpSync(file, join(dist, relative(top, file)));
}

/**
 * The compiler rewrites the endings of imports, but not of `new URL('./worker.ts', import.meta.url)` and other relative
 * names in strings. Each must name a file that was built.
 */
function rewriteWorkerPaths(file: string): void {
  const text = readFileSync(file, 'utf8');
  const rewritten = text.replace(/(['"])(\.{1,2}\/[\w./-]+)\.ts\1/g, (_all, quote: string, path: string) => {
    if (!existsSync(join(dirname(file), `${path}.js`)))
      throw new Error(`${relative(top, file)} names ${path}.ts, and no ${path}.js was built`);
    return `${quote}${path}.js${quote}`;
  });
  if (rewritten !== text) writeFileSync(file, rewritten);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
