// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { ConsumerBench } from './bench.ts';

/** The service behind a proxy, which lets `caller` in; resolves when it listens. */
export async function startService(bench: ConsumerBench, uid: number, caller: string, port: number): Promise<void> {
  const program = join(import.meta.dirname, 'service.ts');
  const args = ['--no-warnings', program, bench.daemon.endpoint, caller, String(port)];
  const child = bench.start([process.execPath, ...args], uid);
  await new Promise<void>((listening, fail) => {
    child.stdout?.once('data', () => listening());
    child.once('exit', () => fail(new Error(`the service ended: ${bench.log}`)));
  });
}
