// SPDX-License-Identifier: Apache-2.0
/** The k8s attestor before a kubelet on a real socket; the callers' cgroups and the time are made up. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type K8sOptions, openK8sAttestor } from '../../attestors/k8s/open.ts';
import type { Applies, Attestation, Attestor } from '../../src/attestation/plugin.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeKubelet, NODE_NAME } from './fake-kubelet.ts';

export class K8sBench {
  readonly clock = new FakeClock();
  /** Kinds that an entry names. */
  readonly named = new Set<string>();
  /** When each request began. */
  readonly began: number[] = [];
  readonly kubelet: FakeKubelet;
  readonly #attestors: Attestor[] = [];

  private constructor(kubelet: FakeKubelet) {
    this.kubelet = kubelet;
  }

  static async open(folder: string): Promise<K8sBench> {
    return new K8sBench(await FakeKubelet.start({ folder }));
  }

  attestor(more: Partial<K8sOptions> = {}): Attestor {
    const { port, caPath, tokenPath } = this.kubelet;
    const opened = openK8sAttestor({
      source: 'kubelet',
      nodeName: NODE_NAME,
      access: {
        secure: true,
        host: '127.0.0.1',
        port,
        serverName: NODE_NAME,
        caPath,
        tokenPath,
        certificatePath: undefined,
        privateKeyPath: undefined,
      },
      cgroupRoot: '/',
      containerSelectors: true,
      runtime: undefined,
      namespaceAccess: undefined,
      isNamed: (kind) => this.named.has(kind),
      attestationTimeoutMs: 5_000,
      clock: this.clock,
      readFile: (path) => {
        if (path === tokenPath) this.began.push(this.clock.monotonic());
        return readFile(path, 'utf8');
      },
      warn: () => undefined,
      ...more,
    });
    this.#attestors.push(opened);
    return opened;
  }

  /** Until the kubelet has been asked so often, however slow the machine is. */
  async asked(times: number): Promise<void> {
    while (this.kubelet.asked.length < times) await sleep(5);
  }

  /** Lets time pass, and the kubelet answer meanwhile, until this has ended. */
  async overTime<T>(look: Promise<T>): Promise<T> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    look.then(end, end);
    while (!over) {
      await sleep(5);
      await this.clock.advance(20);
    }
    return look;
  }

  /** So much time in small steps, each with time for an answer of the kubelet. */
  async pass(ms: number): Promise<void> {
    const before = this.clock.monotonic();
    await this.overTime(
      new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          if (this.clock.monotonic() - before < ms) return;
          clearInterval(timer);
          resolve();
        }, 1);
      }),
    );
  }

  async close(): Promise<void> {
    for (const one of this.#attestors) await one.close?.();
    await this.kubelet.close();
  }
}

export const valuesOf = (attestation: Attestation): readonly string[] =>
  (attestation as Applies).selectors.map(({ value }) => value);
