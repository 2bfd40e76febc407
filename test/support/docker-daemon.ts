// SPDX-License-Identifier: Apache-2.0
/** A real daemon that asks a real engine, and callers in its containers. */
import { afterAll, beforeAll } from '@jest/globals';
import type { CallRecord } from './call-record.ts';
import { Daemon } from './daemon.ts';
import type { Container, DockerEngine } from './docker.ts';
import type { AsWhom, InsideCaller } from './inside-caller.ts';

const UNAVAILABLE = 14;
const PERMISSION_DENIED = 7;
const WORD = new Map([
  [UNAVAILABLE, 'UNAVAILABLE'],
  [PERMISSION_DENIED, 'PERMISSION_DENIED'],
]);

export class DockerDaemon {
  #daemon: Daemon | undefined;

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error('the daemon has not been started');
    return this.#daemon;
  }

  /** Up before the tests of the `describe`, down afterwards. */
  static forTests(engine: DockerEngine, more: readonly string[] = []): DockerDaemon {
    const made = new DockerDaemon();
    beforeAll(async () => {
      const attestors = `attestors: { unix: {}, docker: { socket: ${engine.socket} } }`;
      made.#daemon = await Daemon.start({ config: [attestors, ...more] });
    });
    afterAll(async () => made.#daemon?.close());
    return made;
  }

  /** Registers `spiffe://example.org/PATH`; gives the entry's id. */
  async entry(path: string, ...selectors: readonly string[]): Promise<string> {
    const { id } = await this.daemon.admin.createEntry({ spiffe_id: `spiffe://example.org/${path}`, selectors });
    return String(id);
  }

  async forget(id: string): Promise<void> {
    await this.daemon.admin.call('DeleteEntry', { id });
  }

  /** What a new call of this caller comes to: the paths of its identities, or why it has none. */
  async given(caller: InsideCaller): Promise<string> {
    const call = caller.call(this.daemon.workloadSocket);
    const given = await first(call);
    caller.cancel(call);
    return given;
  }

  /** The same for a new caller. */
  async givenIn(container: Container, who?: AsWhom): Promise<string> {
    const caller = await container.caller(who);
    try {
      return await this.given(caller);
    } finally {
      await caller.kill();
    }
  }

  call(caller: InsideCaller): CallRecord {
    return caller.call(this.daemon.workloadSocket);
  }

  /** Streams that the daemon has open. */
  async streams(): Promise<number> {
    const { checks } = await this.daemon.admin.call('GetHealth', {});
    const text = (checks as { name: string; text: string }[]).find(({ name }) => name === 'streams')?.text;
    return Number.parseInt(String(text), 10);
  }
}

export function pathsOf(message: { readonly svids: readonly { readonly spiffe_id: string }[] }): string {
  return message.svids.map(({ spiffe_id }) => spiffe_id.replace('spiffe://example.org/', '')).join(' ');
}

async function first(call: CallRecord): Promise<string> {
  const refused = call.end.then(({ code }) => WORD.get(code) ?? String(code));
  return Promise.race([call.at(1).then(pathsOf, () => refused), refused]);
}
