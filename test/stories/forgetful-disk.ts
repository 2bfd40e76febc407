// SPDX-License-Identifier: Apache-2.0
/** Runs a process on the disk of `forgetful-disk.c`, and takes its power away. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

export class ForgetfulDisk {
  /** What the process writes to. */
  readonly dir: string;
  readonly #shadow: string;
  readonly #library: string;

  /** `dir` exists; what is in it now counts as durable. */
  constructor(dir: string, workFolder: string) {
    this.dir = dir;
    this.#shadow = join(workFolder, 'shadow');
    this.#library = join(workFolder, 'forgetful-disk.so');
    const source = join(import.meta.dirname, 'forgetful-disk.c');
    const flags = ['-std=gnu17', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'];
    execFileSync('gcc', [...flags, '-o', this.#library, source, '-ldl', '-lpthread'], { stdio: 'inherit' });
    this.#seed();
  }

  get env(): Record<string, string> {
    return { LD_PRELOAD: this.#library, FORGETFUL_DIR: this.dir, FORGETFUL_SHADOW: this.#shadow };
  }

  /** The process is dead. Puts in `dir` what was durable, and takes that for the start of the next life. */
  losePower(): { readonly kept: number; readonly lost: number } {
    const before = bytesBelow(this.dir);
    const durable = this.#read(this.dir);
    for (const name of readdirSync(this.dir)) rmSync(join(this.dir, name), { recursive: true });
    writeTree(this.dir, durable);
    this.#seed();
    const kept = bytesBelow(this.dir);
    return { kept, lost: before - kept };
  }

  #read(folder: string): Tree {
    const names = join(this.#shadow, 'names', keyOf(folder));
    const lines = existsSync(names) ? readFileSync(names, 'utf8').split('\n').filter(Boolean) : [];
    return new Map(lines.map((line) => this.#entry(folder, line)));
  }

  #entry(folder: string, line: string): [string, Tree | Buffer] {
    const [kind, key, ...rest] = line.split(' ');
    const name = rest.join(' ');
    if (kind === 'd') return [name, this.#read(join(folder, name))];
    const content = join(this.#shadow, 'content', key as string);
    return [name, existsSync(content) ? readFileSync(content) : Buffer.alloc(0)];
  }

  #seed(): void {
    rmSync(this.#shadow, { recursive: true, force: true });
    for (const part of ['content', 'names']) mkdirSync(join(this.#shadow, part), { recursive: true });
    this.#seedFolder(this.dir);
  }

  #seedFolder(folder: string): void {
    const lines = readdirSync(folder, { withFileTypes: true }).map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) this.#seedFolder(path);
      else copyFileSync(path, join(this.#shadow, 'content', keyOf(path)));
      return `${entry.isDirectory() ? 'd' : 'f'} ${keyOf(path)} ${entry.name}\n`;
    });
    writeFileSync(join(this.#shadow, 'names', keyOf(folder)), lines.join(''));
  }
}

type Tree = Map<string, Tree | Buffer>;

function writeTree(folder: string, tree: Tree): void {
  for (const [name, what] of tree) {
    const path = join(folder, name);
    if (Buffer.isBuffer(what)) {
      writeFileSync(path, what, { mode: 0o600 });
      continue;
    }
    mkdirSync(path, { mode: 0o700 });
    writeTree(path, what);
  }
}

/** As forgetful-disk.c makes it. */
function keyOf(path: string): string {
  const stat = lstatSync(path, { bigint: true });
  return `${stat.ino}-${stat.birthtimeNs / 1_000_000_000n}-${stat.birthtimeNs % 1_000_000_000n}`;
}

/** Without SQLite's shared-memory file, which is never meant to last. */
function bytesBelow(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.name.endsWith('-shm'),
  );
  return files.reduce((sum, entry) => sum + lstatSync(join(entry.parentPath, entry.name)).size, 0);
}
