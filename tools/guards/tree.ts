// SPDX-License-Identifier: Apache-2.0
/** The tree as it lies on disk, and copies of it in which a guard can be removed. The working tree is never written. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { type BadMarker, type Guard, readMarkers } from './markers.ts';

/** Folders whose markers count. */
const GUARDED = ['src', 'attestors', 'bin'];
const NEVER_COPIED = new Set(['node_modules', 'dist', '.git', 'coverage']);

/** Every file that belongs to the project, ignored ones left out, relative to `top`. */
export function projectFiles(top: string): string[] {
  if (!existsSync(join(top, '.git'))) return walk(top, top);
  const listed = execFileSync('git', ['-C', top, 'ls-files', '-coz', '--exclude-standard'], { encoding: 'utf8' });
  return listed.split('\0').filter((file) => file !== '' && existsSync(join(top, file)));
}

function walk(top: string, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (NEVER_COPIED.has(entry.name)) return [];
    return entry.isDirectory() ? walk(top, path) : [relative(top, path)];
  });
}

export function findGuards(top: string): { guards: Guard[]; bad: BadMarker[] } {
  const guards: Guard[] = [];
  const bad: BadMarker[] = [];
  for (const file of projectFiles(top).sort()) {
    if (!GUARDED.some((folder) => file.startsWith(`${folder}/`))) continue;
    const read = readMarkers(file, readFileSync(join(top, file), 'utf8'));
    guards.push(...read.guards);
    bad.push(...read.bad);
    for (const guard of read.guards)
      if (!existsSync(join(top, guard.test))) bad.push({ ...guard, reason: `${guard.test} does not exist` });
  }
  return { guards, bad };
}

/** A copy of the project in a fresh temporary folder, node_modules linked to the real one. The caller removes it. */
export function copyTree(top: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'assay-guards-'));
  for (const file of projectFiles(top)) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(top, file), join(copy, file), { verbatimSymlinks: true });
  }
  symlinkSync(join(top, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}
