// SPDX-License-Identifier: Apache-2.0
/**
 * Joins what the command and the daemon run, packages included, into a few files beside `dist/src/main.js`: a start that
 * finds and links 400 modules one by one spends half of its time on that. What `package.json` exports stays a file a module.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

/** Each is started by its path, which the module beside it names. */
const STARTED = [
  'src/main.ts',
  'src/store/sqlite/writer-thread.ts',
  'src/store/sqlite/integrity-thread.ts',
  'src/store/sqlite/report/report-thread.ts',
  'src/peer/watch-worker.ts',
  'src/peer/sweep-helper.ts',
  'src/peer/file-helper.ts',
];
/** They find their binaries beside themselves. */
const NATIVE = ['better-sqlite3', 'koffi'];
/** Packages are CommonJS, and ask for Node's own modules with `require`. Modules of ours may import the maker by its own name. */
const REQUIRE =
  "import { createRequire as makeRequire } from 'node:module';\nconst require = makeRequire(import.meta.url);";

const SHARED = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22.18',
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions;

/**
 * Takes `dist` as the compiler left it. All files land in one folder, so that `new URL('./file-helper.js', import.meta.url)`
 * holds wherever its module went. Modules loaded on demand stay apart, and none is in two files.
 */
export async function bundle(top: string, dist: string, exported: readonly string[]): Promise<void> {
  const at = { ...SHARED, absWorkingDir: top };
  const library = await build({ ...at, entryPoints: [...exported], packages: 'external', outdir: dist, write: false });
  const kept = new Set(Object.keys(library.metafile.inputs));
  for (const file of filesBelow(dist)) if (file.endsWith('.js') && !kept.has(`dist/${file}`)) rmSync(join(dist, file));

  const joined = await build({
    ...at,
    entryPoints: STARTED.map((path) => ({ in: path, out: path.replace(/^.*\/|\.ts$/g, '') })),
    external: NATIVE,
    banner: { js: REQUIRE },
    outdir: join(dist, 'src'),
    splitting: true,
    chunkNames: 'part-[hash]',
  });
  const inputs = Object.keys(joined.metafile.inputs);
  for (const input of inputs.filter((path) => path.endsWith('.ts'))) checkStarted(join(top, input));
  writeFileSync(join(dist, 'NOTICES.txt'), notices(top, inputs));
}

/** Whatever a module starts as a thread or process of its own must be among the files made. */
function checkStarted(file: string): void {
  for (const [, name] of readFileSync(file, 'utf8').matchAll(/new URL\([`'"]\.\/([\w-]+)/g)) {
    if (!STARTED.some((path) => path.endsWith(`/${name}.ts`)))
      throw new Error(`${file} starts ${name}, which STARTED of tools/bundle.ts does not name`);
  }
}

/** The licences of the packages that went in. */
function notices(top: string, inputs: readonly string[]): string {
  const folders = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  const texts = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(top, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(top, folder)).find((one) => /^licen[cs]e(\.\w+)?$/i.test(one));
    if (file === undefined && license === undefined) throw new Error(`${folder} names no licence`);
    const text = file === undefined ? `Licence: ${license}` : readFileSync(join(top, folder, file), 'utf8').trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  return `Parts of these packages are in the files beside this one.\n\n${texts.join(`\n${'-'.repeat(79)}\n\n`)}`;
}

/** Relative to `folder`. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' });
}
