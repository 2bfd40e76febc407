// SPDX-License-Identifier: Apache-2.0
/**
 * Constant queries of psql: one loop with a new connection for each, which carries out the page's own command; one with a single
 * connection that stays open all the time; and one that looks what certificate the server shows.
 */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerBench } from './bench.ts';
import { readCredentials } from './credentials.ts';
import { probe } from './postgres-probe.ts';

export interface PsqlTarget {
  readonly port: number;
  /** As it is in the server's certificate. */
  readonly name: string;
  /** The page's command, which prints role, subject and serial of the client's certificate. */
  readonly command: string;
  readonly uid: number;
  /** Of the client's helper, below the bench's root. */
  readonly folder: string;
  /** Where and as whom, for the connection that stays. */
  readonly conninfo: string;
}

const QUERY_TIMEOUT_MS = 5_000;
const PAUSE_MS = 25;
const PROBE_PAUSE_MS = 250;

export class PsqlLoad {
  readonly failures: string[] = [];
  readonly servers = new Set<string>();
  readonly issuers = new Set<string>();
  /** In decimal, as PostgreSQL tells them. */
  readonly clients = new Set<string>();
  answered = 0;
  fresh = 0;
  kept = 0;
  readonly #bench: ConsumerBench;
  readonly #target: PsqlTarget;
  #stopped = false;
  #loops: Promise<unknown> | undefined;

  constructor(bench: ConsumerBench, target: PsqlTarget) {
    this.#bench = bench;
    this.#target = target;
  }

  start(): void {
    const { uid, conninfo } = this.#target;
    const words = ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align'];
    const session = this.#bench.start(['psql', ...words, conninfo], uid);
    const lines = createInterface({ input: session.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
    this.#loops = Promise.all([
      this.#loop(PAUSE_MS, () => this.#new()),
      this.#loop(PAUSE_MS, () => this.#keep(session, lines)),
      this.#loop(PROBE_PAUSE_MS, () => this.#look()),
    ]).finally(() => session.stdin?.end());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loops;
  }

  async #loop(pauseMs: number, one: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      try {
        await one();
      } catch (error) {
        this.failures.push(`${new Date().toISOString()} ${error instanceof Error ? error.message : String(error)}`);
      }
      await sleep(pauseMs);
    }
  }

  async #new(): Promise<void> {
    const said = await this.#bench.sh(this.#target.command, this.#target.uid);
    const [role, , serial] = said.trim().split('|');
    if (role !== 'orders' || !serial) throw new Error(`a new connection was answered ${said.trim()}`);
    this.clients.add(serial);
    this.fresh += 1;
    this.answered += 1;
  }

  async #keep(session: ChildProcess, lines: AsyncIterator<string>): Promise<void> {
    const asked = String(this.kept);
    session.stdin?.write(`select session_user, ${asked};\n`);
    const late = new AbortController();
    const timeout = sleep(QUERY_TIMEOUT_MS, { value: 'nothing' }, { signal: late.signal });
    const answer = await Promise.race([lines.next(), timeout]);
    late.abort();
    await timeout.catch(() => undefined);
    const said = JSON.stringify(answer.value);
    if (said !== JSON.stringify(`orders|${asked}`)) throw new Error(`the connection that stays was answered ${said}`);
    this.kept += 1;
  }

  async #look(): Promise<void> {
    const { port, name, folder } = this.#target;
    const { serial, issuer } = await probe(port, name, readCredentials(this.#bench.at(folder)));
    this.servers.add(serial);
    this.issuers.add(issuer);
  }
}
