// SPDX-License-Identifier: Apache-2.0
/** Tests share the machine's one Kubernetes node; one that disturbs it has it alone, also from other checkouts and runs. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { bed, bedFolder, bedScript } from './bed.ts';
import { LineProgram } from './line-program.ts';

/** Others may be in the middle of a long file. */
const TURN_MS = 600_000;

export class NodeLock {
  readonly #holder: LineProgram;

  private constructor(holder: LineProgram) {
    this.#holder = holder;
  }

  /** Held from before the tests of the file or of the `describe` until after them. */
  static forTests(alone: boolean): void {
    let lock: NodeLock | undefined;
    beforeAll(async () => {
      lock = await NodeLock.take(alone);
    }, TURN_MS);
    afterAll(async () => {
      if (alone) await bed('k8s', 'kubelet', 'start');
      await lock?.release();
    }, TURN_MS);
  }

  /** Should this process die, the lock goes too, once the kubelet of one that had it alone runs again. */
  static async take(alone: boolean): Promise<NodeLock> {
    const folder = join(bedFolder, 'run');
    mkdirSync(folder, { recursive: true });
    const [kind, afterwards] = alone ? ['--exclusive', '"$0" kubelet start >&2'] : ['--shared', ':'];
    const holder = new LineProgram(
      'flock',
      [kind, '--close', join(folder, 'node-in-use.lock'), 'sh', '-c', `cat; ${afterwards}`, bedScript('k8s')],
      { stdio: ['pipe', 'pipe', 'ignore'], detached: true },
    );
    holder.say('{"event":"held"}');
    await holder.heard('held', TURN_MS);
    return new NodeLock(holder);
  }

  async release(): Promise<void> {
    this.#holder.child.stdin?.end();
    await this.#holder.ended;
  }
}
