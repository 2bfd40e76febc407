// SPDX-License-Identifier: Apache-2.0
/**
 * The k8s attestor before a kubelet with 500 pods on a real TLS socket; the caller is this process in a real cgroup. Needs root.
 *
 *     tools/node/run bench/attestation-k8s.ts
 */
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { openK8sAttestor } from '../attestors/k8s/open.ts';
import type { Attestor, ProcessHandle } from '../src/attestation/plugin.ts';
import { systemClock } from '../src/lib/clock.ts';
import { cgroupMounts } from '../src/peer/cgroup-owner.ts';
import { NODE_NAME } from '../test/support/fake-kubelet.ts';
import { idOf, UID_A } from '../test/support/k8s-pods.ts';
import { KubeletProcess, listOf } from './kubelet-process.ts';
import { type Caller, ownHandle } from './own-handle.ts';
import { ms, printRow, quantile, type Row } from './stats.ts';

const PODS = 500;
/** Not where a kubelet of this machine has its pods: it ends whatever runs in the folder of a pod that it does not know. */
const CGROUP_ROOT = `/assay-bench-${process.pid}`;
const CGROUP = `${CGROUP_ROOT}/kubepods/besteffort/pod${UID_A}/${idOf('aa')}`;
const never = new AbortController().signal;

export async function benchK8s(quick: boolean): Promise<readonly Row[]> {
  if (process.getuid?.() !== 0) return [];
  const folder = mkdtempSync(join(tmpdir(), 'assay-bench-k8s-'));
  const kubelet = await KubeletProcess.start(folder, PODS);
  const caller = await inCgroup(CGROUP, () => ownHandle(folder));
  try {
    return [
      await cold(kubelet, caller.handle, quick ? 5 : 30),
      await warm(kubelet, caller.handle, quick ? 2_000 : 20_000),
      await changes(kubelet, caller.handle, quick ? 3 : 20),
    ];
  } finally {
    await caller.close();
    kubelet.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** From nothing: a new connection, the list of all pods, the answer. */
async function cold(kubelet: KubeletProcess, caller: ProcessHandle, rounds: number): Promise<Row> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const attestor = attestorOf(kubelet);
    times.push(await timed(() => attestor.attest(caller, never)));
    await attestor.close?.();
  }
  return {
    what: `attest (k8s), cold: connect to the kubelet and read ${PODS} pods`,
    measured: `p50 ${ms(quantile(times, 0.5))}, p99 ${ms(quantile(times, 0.99))}`,
    beside: `JSON.parse of the same list alone: ${ms(parseAlone())}`,
    bar: '-',
    held: undefined,
  };
}

/** With an open stream that rests on the pod, so that the kubelet is asked every other second meanwhile. */
async function warm(kubelet: KubeletProcess, caller: ProcessHandle, calls: number): Promise<Row> {
  const attestor = attestorOf(kubelet);
  await attestor.attest(caller, never);
  attestor.restedOn?.(UID_A, true);
  const stall = monitorEventLoopDelay({ resolution: 1 });
  stall.enable();
  const asked = await kubelet.asked();
  const resident = process.memoryUsage.rss();
  const from = performance.now();
  const times: number[] = [];
  while (times.length < calls || performance.now() - from < 6_000) {
    times.push(await timed(() => attestor.attest(caller, never)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const seconds = (performance.now() - from) / 1_000;
  const requests = (await kubelet.asked()) - asked;
  stall.disable();
  await attestor.close?.();
  const perSecond = requests / seconds;
  return {
    what: 'attest (k8s), warm, with an open stream',
    measured: `p50 ${ms(quantile(times, 0.5))}, p99 ${ms(quantile(times, 0.99))}; ${((requests * 1_000) / times.length).toFixed(2)} requests per 1,000 calls, ${perSecond.toFixed(2)} a second`,
    beside: `turns of the event loop meanwhile: p99 ${ms(stall.percentile(99) / 1e6)}, longest ${ms(stall.max / 1e6)}; resident grew by ${((process.memoryUsage.rss() - resident) / 2 ** 20).toFixed(0)} MB`,
    bar: 'requests bounded by time: 0.56 a second',
    held: perSecond <= 0.7,
  };
}

/** From a pod's change to the attestor's word of it. */
async function changes(kubelet: KubeletProcess, caller: ProcessHandle, rounds: number): Promise<Row> {
  const attestor = attestorOf(kubelet);
  await attestor.attest(caller, never);
  attestor.restedOn?.(UID_A, true);
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await sleep(Math.random() * 2_000);
    const heard = new Promise<void>((resolve) => {
      const undo = attestor.onChange?.((uid) => {
        if (uid !== UID_A) return;
        undo?.();
        resolve();
      });
    });
    times.push(
      await timed(async () => {
        await kubelet.relabel(`round-${round}`);
        await heard;
      }),
    );
  }
  await attestor.close?.();
  return {
    what: 'a pod is relabelled, to the attestor telling of it',
    measured: `p50 ${ms(quantile(times, 0.5))}, longest ${ms(Math.max(...times))}`,
    beside: 'the kubelet is asked every 1,800 ms',
    bar: '2,000 ms',
    held: Math.max(...times) <= 2_000,
  };
}

function attestorOf({ ready }: KubeletProcess): Attestor {
  const { port, caPath, tokenPath } = ready;
  const files = { caPath, tokenPath, certificatePath: undefined, privateKeyPath: undefined };
  return openK8sAttestor({
    source: 'kubelet',
    access: { secure: true, host: '127.0.0.1', port, serverName: NODE_NAME, ...files },
    nodeName: NODE_NAME,
    cgroupRoot: CGROUP_ROOT,
    containerSelectors: true,
    namespaceAccess: undefined,
    runtime: undefined,
    isNamed: () => true,
    attestationTimeoutMs: 5_000,
    clock: systemClock,
    readFile: (path) => readFile(path, 'utf8'),
    warn: (fields) => console.error(fields),
  });
}

function parseAlone(): number {
  const text = listOf(PODS);
  const from = performance.now();
  JSON.parse(text);
  return performance.now() - from;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** Puts this process there while `work` runs and until the caller is closed. */
async function inCgroup(path: string, work: () => Promise<Caller>): Promise<Caller> {
  const { named, unified } = cgroupMounts();
  const mount = named.get('name=systemd') ?? unified;
  if (mount === undefined) throw new Error('no cgroup hierarchy is mounted');
  const before = membershipIn(mount === unified ? '' : 'name=systemd');
  const names = path.split('/').slice(1);
  const folders = names.map((_, at) => join(mount, ...names.slice(0, at + 1)));
  const made = folders.filter((one) => mkdirSync(one, { recursive: true }) !== undefined);
  writeFileSync(join(mount, path, 'cgroup.procs'), String(process.pid));
  const caller = await work();
  return {
    handle: caller.handle,
    close: async () => {
      await caller.close();
      writeFileSync(join(mount, before, 'cgroup.procs'), String(process.pid));
      for (const one of made.reverse()) rmdirSync(one);
    },
  };
}

function membershipIn(controller: string): string {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');
  return lines.map((line) => line.split(':')).find(([, name]) => name === controller)?.[2] ?? '/';
}

if (process.argv[1] === import.meta.filename) {
  for (const row of await benchK8s(process.argv.includes('--quick'))) printRow(row);
}
