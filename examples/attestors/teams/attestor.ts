// SPDX-License-Identifier: Apache-2.0
/**
 * An attestor of our own: which team a uid belongs to, by a file that only root can write.
 *
 *     uid  team
 *     1001 payments
 *
 * It gives `teams:team:payments`. The file is the authority: no process has a hand in what it says.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
// In a project of your own: from 'assay/plugin'.
import type { Attestation, Attestor, AttestorHealth, AttestorSetup } from '../../../src/attestation/plugin.ts';

const GROUND = 'file';
const LOOK_EVERY_MS = 500;
const MOST_BYTES = 1 << 20;

export default async function createAttestor({ name, config, clock, log }: AttestorSetup): Promise<Attestor> {
  const file = new TeamsFile(fileOf(config));
  // A file that is wrong from the start is told to the operator who starts the daemon, not to the first caller.
  await file.teams();
  const listeners = new Set<(ground?: string) => void>();
  const watch = async (): Promise<void> => {
    if (await file.changed()) {
      log.info({ file: file.path }, 'teams have changed');
      for (const listener of listeners) listener(GROUND);
    }
    timer = clock.after(LOOK_EVERY_MS, watch);
  };
  let timer = clock.after(LOOK_EVERY_MS, watch);
  return {
    name,
    kinds: new Map([['team', 'authority']]),
    attest: async (process) => attest(await file.teams(), process.uid),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    health: () => file.health,
    close: async () => timer.cancel(),
  };
}

function attest(teams: ReadonlyMap<number, string>, uid: number): Attestation {
  const team = teams.get(uid);
  const restsOn = [GROUND];
  if (team === undefined) return { applies: false, reason: `uid ${uid} is in no team`, restsOn };
  const selectors = [{ value: `team:${team}`, strength: 'authority' }] as const;
  return { applies: true, selectors, facts: { team }, leftOut: [], restsOn };
}

function fileOf(config: unknown): string {
  const file = (config as { readonly file?: unknown } | undefined)?.file;
  if (typeof file !== 'string' || !file.startsWith('/'))
    throw new Error('config.file must be the path of a file, from /');
  return file;
}

class TeamsFile {
  readonly path: string;
  health: AttestorHealth = { status: 'warn', text: 'has not read its file yet' };
  #version: string | undefined;
  #teams: ReadonlyMap<number, string> = new Map();

  constructor(path: string) {
    this.path = path;
  }

  /** As the file is now. Throws when it cannot be believed: then the look fails, and nobody gets a lesser answer. */
  async teams(): Promise<ReadonlyMap<number, string>> {
    try {
      await this.#read();
    } catch (error) {
      this.health = { status: 'fail', text: `cannot use ${this.path}: ${(error as Error).message}` };
      throw error;
    }
    this.health = { status: 'ok', text: `knows ${this.#teams.size} uids from ${this.path}` };
    return this.#teams;
  }

  /** Since it was last read; also when it cannot be read any more. */
  async changed(): Promise<boolean> {
    const before = this.#version;
    await this.teams().catch(() => {
      this.#version = undefined;
    });
    return before !== this.#version;
  }

  async #read(): Promise<void> {
    const handle = await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const version = await judged(handle);
      if (version === this.#version) return;
      this.#teams = parse(await handle.readFile('utf8'));
      this.#version = version;
    } finally {
      await handle.close();
    }
  }
}

/** Who could have written it, told from the open file, which nobody can swap any more. */
async function judged(handle: FileHandle): Promise<string> {
  const { uid, mode, size, mtimeNs, ctimeNs, ino } = await handle.stat({ bigint: true });
  if (uid !== 0n && uid !== BigInt(process.getuid?.() ?? 0)) throw new Error(`it belongs to uid ${uid}`);
  if ((mode & 0o022n) !== 0n) throw new Error('others can write it');
  if (size > MOST_BYTES) throw new Error(`it has ${size} bytes`);
  return `${ino}.${size}.${mtimeNs}.${ctimeNs}`;
}

function parse(text: string): ReadonlyMap<number, string> {
  const teams = new Map<number, string>();
  for (const [at, line] of text.split('\n').entries()) {
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    const [, uid, team] = /^\s*(\d{1,10})\s+([a-z0-9-]{1,64})\s*$/.exec(line) ?? [];
    if (uid === undefined || team === undefined) throw new Error(`line ${at + 1} is not "uid team"`);
    if (teams.has(Number(uid))) throw new Error(`line ${at + 1} names uid ${uid} again`);
    teams.set(Number(uid), team);
  }
  return teams;
}
