// SPDX-License-Identifier: Apache-2.0
/** `pid-storm.c` before a daemon that has entries for its two uids, and entries that hold for neither. */
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from './c-program.ts';
import type { Daemon } from './daemon.ts';
import { LineProgram } from './line-program.ts';
import { fetchX509SvidBytes } from './request-bytes.ts';

export interface StormReport {
  readonly started: number;
  /** Started with the pid of a process of the other uid, reaped a moment before. */
  readonly reused: number;
  /** Of them, while the connection of that process was still open at the daemon. */
  readonly inFlight: number;
  /** Connections that were sent an identity of another uid, of two processes taken for one, or after their end. */
  readonly wrong: number;
  readonly stayed: number;
  readonly stayedAnswered: number;
  readonly goneAsked: number;
  readonly goneAnswered: number;
  readonly lateAsked: number;
  readonly lateAnswered: number;
  readonly leftOpen: number;
}

/** So that no ceiling is met before the storm is over. */
export const STORM_LIMITS = `limits: { ${[
  'new_streams_per_second: 100000',
  'streams_per_uid: 100000',
  'connections_per_uid: 10000',
  'connections_per_cgroup: 10000',
  'attestation_timeout: 1m',
].join(', ')} }`;

const SIDES = [
  { uid: 54_321, name: 'a' },
  { uid: 54_322, name: 'b' },
] as const;

export class PidStorm {
  readonly #folder: string;
  readonly #daemon: Daemon;

  private constructor(folder: string, daemon: Daemon) {
    this.#folder = folder;
    this.#daemon = daemon;
  }

  static readonly uids: readonly number[] = SIDES.map(({ uid }) => uid);

  /** `folder` is made readable for every uid. The entries have these selectors besides uid and path. */
  static async prepare(folder: string, daemon: Daemon, further: readonly string[] = []): Promise<PidStorm> {
    const storm = new PidStorm(folder, daemon);
    chmodSync(folder, 0o755);
    const program = compile('pid-storm', folder, ['-static']);
    writeFileSync(join(folder, 'request'), await fetchX509SvidBytes());
    for (const { name } of SIDES) copyFileSync(program, join(folder, name));
    for (const { uid, name } of SIDES) {
      for (const other of SIDES) {
        const id = name === other.name ? `storm/${name}` : `mixed/${name}${other.name}`;
        await daemon.admin.createEntry({
          spiffe_id: `spiffe://example.org/${id}`,
          selectors: [`unix:uid:${uid}`, `unix:path:${join(folder, other.name)}`, ...further],
        });
      }
    }
    return storm;
  }

  async run(generations: number, slots: number): Promise<StormReport> {
    const sides = SIDES.flatMap(({ uid, name }) => [
      String(uid),
      join(this.#folder, name),
      `spiffe://example.org/storm/${name}`,
    ]);
    const { workloadSocket, pid } = this.#daemon;
    const args = [workloadSocket, join(this.#folder, 'request'), ...[pid, generations, slots].map(String)];
    const program = new LineProgram(join(this.#folder, 'pid-storm'), [...args, ...sides]);
    try {
      return (await program.heard('storm', 240_000)) as unknown as StormReport;
    } finally {
      await program.end();
    }
  }
}
