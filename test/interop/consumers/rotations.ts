// SPDX-License-Identifier: Apache-2.0
/** What each consumer has to come through, and the identity that each has to refuse. */
import { existsSync, realpathSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../helper/bench.ts';
import type { ConsumerBench } from './bench.ts';

/** What a load has seen so far, with certificates by their serials. */
export interface Seen {
  readonly servers: ReadonlySet<string>;
  readonly clients: ReadonlySet<string>;
  /** Of the server's certificates. */
  readonly issuers: ReadonlySet<string>;
  readonly failures: readonly string[];
  readonly answered: number;
}

const ROTATIONS = 3;
const AWAY_MS = 2_000;
const PATIENCE_MS = 150_000;
/** The next version comes after 12 s. */
const HEALED_MS = 60_000;

/**
 * Waits until both ends have shown the certificates of three rotations, and another authority has signed; the daemon is
 * killed after the first, and started again. Prints the serials.
 */
export async function throughRotations(bench: ConsumerBench, load: Seen & object): Promise<void> {
  const seen = (what: string, done: () => boolean): Promise<boolean> =>
    until(
      () => {
        if (load.failures.length > 0) throw new Error(`${load.failures.join('\n')}\n${bench.log}`);
        return done();
      },
      what,
      PATIENCE_MS,
    );
  await bench.sh('assay ca prepare');
  await seen('a first rotation', () => load.servers.size > 1);
  await bench.daemon.kill();
  const before = load.answered;
  await sleep(AWAY_MS);
  if (load.answered === before) throw new Error(`nothing was answered while the daemon was away\n${bench.log}`);
  await bench.daemon.start();
  const restarted = load.servers.size;
  const rotated = (): boolean => load.servers.size > ROTATIONS && load.clients.size > ROTATIONS;
  await seen('three rotations', () => rotated() && load.servers.size > restarted);
  await activate(bench);
  await seen('a new authority', () => load.issuers.size > 1);
  const { servers, clients, issuers, ...counts } = load;
  console.log({ servers: [...servers], clients: [...clients], issuers: [...issuers], ...counts });
}

/** As soon as the successor has been announced for long enough; until then the daemon refuses. */
async function activate(bench: ConsumerBench): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const problem = await bench.sh('assay ca activate').then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (problem === undefined) return;
    if (Date.now() > end) throw new Error(problem);
    await sleep(1_000);
  }
}

/** Several uids are needed. */
export const isRoot = process.getuid?.() === 0;
export const OTHER_UID = 1002;

/** Somebody of the same trust domain, whom the page does not let in, with a helper that writes `/var/lib/other/tls`. */
export async function startOther(bench: ConsumerBench): Promise<void> {
  const spiffeId = 'spiffe://example.org/other';
  const selectors = [`unix:uid:${OTHER_UID}`];
  await bench.daemon.admin.createEntry({ spiffe_id: spiffeId, selectors, dns_names: ['other.example.org'] });
  bench.folderOf(OTHER_UID, 'var/lib/other');
  const folder = bench.at('var/lib/other/tls');
  bench.put(
    'etc/assay/other.yaml',
    `
socket: ${bench.daemon.endpoint}
outputs:
  - { name: other, folder: ${folder}, x509: { cert: tls.crt, key: tls.key, bundle: ca.crt } }
`,
  );
  bench.helper('etc/assay/other.yaml', OTHER_UID);
  await until(() => existsSync(`${folder}/tls.crt`), `an identity of another\n${bench.log}`);
}

/**
 * Spoils the file in force and has it read: the consumer goes on with what it had, and takes the next version. `serial`: of
 * the certificate that it shows to somebody whom it lets in.
 */
export async function throughSpoiltFile(
  bench: ConsumerBench,
  what: { readonly file: string; readonly pidFile: string; readonly signal: NodeJS.Signals },
  serial: () => Promise<string>,
): Promise<void> {
  const before = await serial();
  writeFileSync(realpathSync(bench.at(what.file)), 'no certificate\n');
  process.kill(Number.parseInt(bench.read(what.pidFile), 10), what.signal);
  const end = Date.now() + HEALED_MS;
  while ((await serial()) === before) {
    if (Date.now() > end) throw new Error(`the next version was not taken\n${bench.log}`);
    await sleep(100);
  }
}
