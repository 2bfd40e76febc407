// SPDX-License-Identifier: Apache-2.0
/** The folder in which everything of the quickstart lies, and with which everything goes away again. */
import { chmodSync, constants, copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';

/** The checkout. */
export const top = join(import.meta.dirname, '../../..');

const CLIENT = ['src/client', 'src/jwt', 'src/x509', 'src/identity', 'src/lib'];

export class Scratch {
  readonly dir: string;

  /** `open`: other users may look inside, since services of other uids run from here. */
  constructor(open: boolean) {
    // Short, since the path of a unix socket may have 107 bytes.
    this.dir = mkdtempSync(join(tmpdir(), 'assay-qs-'));
    chmodSync(this.dir, open ? 0o755 : 0o700);
  }

  path(...parts: readonly string[]): string {
    return join(this.dir, ...parts);
  }

  /** Node once more: another file with another inode, so that its path tells who runs it. */
  copyNode(name: string): string {
    const copy = this.path(name);
    copyFileSync(process.execPath, copy, constants.COPYFILE_FICLONE);
    chmodSync(copy, 0o755);
    return copy;
  }

  /** An example with `assay/client` and these packages, for users who cannot read the checkout. */
  copySources(example: string, packages: readonly string[] = [], parts: readonly string[] = CLIENT): string {
    const to = this.path('app');
    for (const part of [example, ...parts, 'proto', 'package.json']) {
      cpSync(join(top, part), join(to, part), { recursive: true, filter: isSource });
    }
    for (const folder of packagesOf(['@grpc/grpc-js', '@grpc/proto-loader', ...packages])) {
      cpSync(folder, join(to, relative(top, folder)), { recursive: true });
    }
    openForAll(to);
    return to;
  }

  sweep(): void {
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

const isSource = (file: string): boolean => !['stage', 'node_modules'].includes(basename(file));

/** The folders of these packages and of all that they need, as npm laid them out. */
function packagesOf(
  names: readonly string[],
  from = join(top, 'package.json'),
  found = new Set<string>(),
): Set<string> {
  const require = createRequire(from);
  for (const name of names) {
    const places = require.resolve.paths(name) ?? [];
    const folder = places.map((place) => join(place, name)).find((place) => manifestOf(place) !== undefined);
    if (folder === undefined || found.has(folder)) continue;
    found.add(folder);
    packagesOf(Object.keys(manifestOf(folder)?.dependencies ?? {}), join(folder, 'package.json'), found);
  }
  return found;
}

function manifestOf(folder: string): { dependencies?: Record<string, string> } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** A checkout made under a strict umask is copied with its modes. */
function openForAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) openForAll(join(folder, entry.name));
    else if (entry.isFile()) chmodSync(join(folder, entry.name), 0o644);
  }
}
