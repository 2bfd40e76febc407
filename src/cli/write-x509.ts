// SPDX-License-Identifier: Apache-2.0
/**
 * Leaves SVIDs, keys and bundles as files, with the names that spire-agent uses. Each file appears whole or not at all (a new
 * file, synced, then renamed over the old one); a key is readable by its owner alone from its first byte on. Files of an
 * earlier run that this answer does not have are removed: what is no longer granted must not lie around (CLI-22).
 */
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { X509State } from '../client/x509-state.ts';
import { Failure, quote } from '../lib/failure.ts';
import { systemRandom } from '../lib/random.ts';
import { toPem } from '../x509/pem.ts';

const OURS = /^(?:svid\.\d+\.(?:pem|key)|bundle\.\d+\.pem|federated_bundle\.\d+\.\d+\.pem)$/;
const OTHERS_WRITE = 0o022;

interface File {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** The paths written, in order. */
export async function writeX509(folder: string, state: X509State): Promise<readonly string[]> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await refuseShared(folder);
    const files = filesOf(state);
    for (const file of files) await writeWhole(folder, file);
    await removeStale(folder, new Set(files.map((file) => file.name)));
    return files.map((file) => join(folder, file.name));
  } catch (error) {
    if (error instanceof Failure) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new Failure('failed-precondition', 'WRITE_FAILED', `--write: ${quote(folder)} cannot be written (${code})`, {
      field: '--write',
      value: quote(folder),
      hint: 'name a folder that this user may write',
      cause: error,
    });
  }
}

/** Whoever can write the folder can put another key in the place of ours, or take ours away. */
async function refuseShared(folder: string): Promise<void> {
  const { mode, uid } = await stat(folder);
  const sticky = (mode & 0o1000) !== 0;
  // guard: I10 test/cli/fetch-files.test.ts
  if ((mode & OTHERS_WRITE) !== 0 && !sticky) {
    throw new Failure('failed-precondition', 'FOLDER_SHARED', `--write: ${quote(folder)} can be written by others`, {
      field: '--write',
      value: quote(folder),
      hint: `chmod go-w ${folder}, or name another folder`,
    });
  }
  if (uid !== 0 && uid !== process.getuid!()) {
    throw new Failure('failed-precondition', 'FOLDER_FOREIGN', `--write: ${quote(folder)} belongs to uid ${uid}`, {
      field: '--write',
      value: quote(folder),
      hint: 'name a folder of your own',
    });
  }
}

function filesOf(state: X509State): readonly File[] {
  const files: File[] = [];
  const pem = (certificates: readonly Buffer[]): string =>
    certificates.map((der) => toPem('CERTIFICATE', der)).join('');
  for (const [at, svid] of state.svids.entries()) {
    const own = svid.spiffeId.trustDomain.name;
    const key = svid.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    files.push({ name: `svid.${at}.key`, text: key, mode: 0o600 });
    files.push({ name: `svid.${at}.pem`, text: pem(svid.chain), mode: 0o644 });
    files.push({ name: `bundle.${at}.pem`, text: pem(state.bundles.get(own) ?? []), mode: 0o644 });
    const foreign = [...state.bundles].filter(([name]) => name !== own).sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [number, [, certificates]] of foreign.entries()) {
      files.push({ name: `federated_bundle.${at}.${number}.pem`, text: pem(certificates), mode: 0o644 });
    }
  }
  return files;
}

async function writeWhole(folder: string, file: File): Promise<void> {
  const fresh = join(folder, `.${file.name}.${systemRandom.bytes(8).toString('hex')}`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(fresh, flags, file.mode);
  try {
    try {
      await handle.writeFile(file.text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, join(folder, file.name));
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

async function removeStale(folder: string, written: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (OURS.test(name) && !written.has(name)) await rm(join(folder, name), { force: true });
  }
}
