// SPDX-License-Identifier: Apache-2.0
/** Packages of npm that a test alone needs, by a lock file of their own, installed once for each content of it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { top } from '../support/daemon.ts';

/** `folder` has package.json and package-lock.json. Gives the folder that has what they name in its node_modules. */
export function npmInstalled(folder: string): string {
  const name = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')
    .slice(0, 16);
  const made = join(top, 'node_modules/.cache/assay-interop', `npm-${name}`);
  if (!existsSync(join(made, 'complete'))) {
    rmSync(made, { recursive: true, force: true });
    mkdirSync(made, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(folder, file), join(made, file));
    const install = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    execFileSync('npm', install, { cwd: made, stdio: 'inherit' });
    mkdirSync(join(made, 'complete'));
  }
  return made;
}

/** What a module beside these files would require. */
export function npmEnvironment(folder: string): NodeJS.Require {
  return createRequire(join(npmInstalled(folder), 'package.json'));
}
