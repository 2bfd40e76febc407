// SPDX-License-Identifier: Apache-2.0
/** A kubelet with many pods in a process of its own, so that its work is not taken for the daemon's. */
import { type ChildProcess, fork } from 'node:child_process';
import { FakeKubelet } from '../test/support/fake-kubelet.ts';
import { idOf, podJson, podList, UID_A } from '../test/support/k8s-pods.ts';

/** As a kubelet lists a pod of two containers with its managed fields. */
const POD_BYTES = 8_000;

interface Ready {
  readonly port: number;
  readonly caPath: string;
  readonly tokenPath: string;
}

export class KubeletProcess {
  readonly #child: ChildProcess;
  readonly ready: Ready;

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
  }

  static async start(folder: string, pods: number): Promise<KubeletProcess> {
    const child = fork(import.meta.filename, [folder, String(pods)], { execArgv: ['--no-warnings'] });
    return new KubeletProcess(child, await answer<Ready>(child));
  }

  /** How often it was asked. */
  async asked(): Promise<number> {
    this.#child.send('asked');
    return answer<number>(this.#child);
  }

  /** The pod `UID_A` has another label from now on. */
  async relabel(label: string): Promise<void> {
    this.#child.send(label);
    await answer(this.#child);
  }

  close(): void {
    this.#child.kill();
  }
}

function answer<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('exit', () => reject(new Error('the kubelet has ended')));
  });
}

export function listOf(pods: number, label = 'web'): string {
  return JSON.stringify(podList(...Array.from({ length: pods }, (_, at) => pod(at, at === 0 ? label : 'web'))));
}

function pod(at: number, app: string): object {
  const uid = at === 0 ? UID_A : `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;
  const annotations = { managed: 'x'.repeat(POD_BYTES - 700) };
  const json = podJson({ uid, name: `pod-${at}`, labels: { app }, annotations, containers: [] });
  const id = at === 0 ? idOf('aa') : at.toString(16).padStart(64, '0');
  const status = { name: 'main', image: 'web:1', imageID: 'web@sha256:1', containerID: `containerd://${id}` };
  return { ...json, status: { containerStatuses: [status] } };
}

if (process.argv[1] === import.meta.filename) {
  const [, , folder = '', count = '0'] = process.argv;
  const kubelet = await FakeKubelet.start({ folder });
  let list = listOf(Number(count));
  kubelet.respond = (_request, response) => void response.end(list);
  process.on('message', (message) => {
    if (message !== 'asked') list = listOf(Number(count), String(message));
    process.send?.(message === 'asked' ? kubelet.asked.length : message);
  });
  process.send?.({ port: kubelet.port, caPath: kubelet.caPath, tokenPath: kubelet.tokenPath });
}
