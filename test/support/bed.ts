// SPDX-License-Identifier: Apache-2.0
/** The scripts of test/testbed, and where they put things. */
import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const bedFolder: string =
  process.env['ASSAY_TESTBED'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'assay-testbed');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command to its end, whatever its exit code. */
export function run([command = '', ...args]: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

type Script = 'docker' | 'k8s' | 'systemd';

export const bedScript = (script: Script): string => join(import.meta.dirname, '../testbed', script);

/** Runs a script of test/testbed to its end and gives what it printed. */
export async function bed(script: Script, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run([bedScript(script), ...words]);
  if (code !== 0) throw new Error(`test/testbed/${script} ${words.join(' ')}: exit code ${code}\n${stderr}`);
  return stdout;
}
