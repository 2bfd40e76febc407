// SPDX-License-Identifier: Apache-2.0
/** A proxy as its page in `docs/consumers` sets it up, under load while everything rotates and the daemon is killed. */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../../helper/bench.ts';
import { freePort } from '../../support/free-port.ts';
import { ConsumerBench } from './bench.ts';
import { readCredentials } from './credentials.ts';
import { call, HttpsLoad, type HttpsTarget } from './https-load.ts';
import { isRoot, startOther, throughRotations, throughSpoiltFile } from './rotations.ts';
import { startService } from './start-service.ts';

export interface ProxyStory {
  /** Also of its page, and of its helper's configuration. */
  readonly name: string;
  /** The language of the block with its configuration, and where that goes. */
  readonly language: string;
  readonly config: string;
  readonly pidFile: string;
  readonly signal: NodeJS.Signals;
  /** With the proxy's certificate. */
  readonly file: string;
  /** What the page takes for there; before its first block. */
  readonly prepare: (bench: ConsumerBench) => void;
  /** Starts the program, after the check of its configuration. */
  readonly start: (bench: ConsumerBench) => void;
  /** It answers so whoever shows no certificate; undefined: it ends the connection. */
  readonly withoutCertificate: number | undefined;
  /** After the load. */
  readonly afterwards: (bench: ConsumerBench, load: HttpsLoad) => void;
}

const CALLER_UID = 1001;
const SERVICE_UID = 1003;
const LISTEN_TIMEOUT_MS = 20_000;
const CALLER_FILES = 'var/lib/orders/tls';
const RIGHT = /^orders spiffe:\/\/example\.org\/web [0-9a-f]+\s*$/;

export function proxyStory(story: ProxyStory): void {
  const asRoot = isRoot ? it : it.skip;
  let bench: ConsumerBench;
  let target: HttpsTarget;

  beforeAll(async () => {
    if (!isRoot) return;
    const [port, behind] = [await freePort(), await freePort()];
    target = { port, name: 'web.example.org' };
    bench = await ConsumerBench.start(`${story.name}.md`, [
      [/\b8443\b/g, String(port)],
      [/\b9443\b/g, String(behind)],
    ]);
    bench.program('curl', `exec /usr/bin/curl --resolve web.example.org:${port}:127.0.0.1 "$@"`);
    await setUp(bench, story, behind);
    await listens(port);
  }, 120_000);

  afterAll(async () => bench?.close());

  describe(story.name, () => {
    asRoot('lets the caller of its page in, and each block of the page has been carried out', async () => {
      expect(await bench.sh(bench.page.take('sh'), CALLER_UID)).toMatch(RIGHT);
      expect(bench.page.left).toBe(0);
    });

    asRoot('refuses another identity, and whoever shows none', async () => {
      const other = readCredentials(bench.at('var/lib/other/tls'));
      expect(await call(target, other)).toMatchObject({ status: 403 });
      const bare = call(target, { ca: other.ca });
      if (story.withoutCertificate === undefined) await expect(bare).rejects.toThrow();
      else expect(await bare).toMatchObject({ status: story.withoutCertificate });
    });

    asRoot('answers every request through rotations, and while the daemon is killed and started again', async () => {
      const load = new HttpsLoad(target, bench.at(CALLER_FILES), RIGHT);
      load.start();
      try {
        await throughRotations(bench, load);
      } finally {
        await load.stop();
      }
      expect(load.failures).toEqual([]);
      expect(load.upstream.size).toBeGreaterThan(3);
      story.afterwards(bench, load);
    });

    asRoot('goes on with the certificate it has when the file is spoilt, and takes the next one', async () => {
      await throughSpoiltFile(bench, story, async () => {
        const { status, server } = await call(target, readCredentials(bench.at(CALLER_FILES)));
        expect(status).toBe(200);
        return server;
      });
    });
  });
}

/** Resolves when somebody listens there. */
async function listens(port: number): Promise<void> {
  const end = Date.now() + LISTEN_TIMEOUT_MS;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const there = await new Promise<boolean>((done) => {
      socket.once('connect', () => done(true));
      socket.once('error', () => done(false));
    });
    socket.destroy();
    if (there) return;
    if (Date.now() > end) throw new Error(`nobody listens on port ${port}`);
    await sleep(50);
  }
}

async function setUp(bench: ConsumerBench, story: ProxyStory, behind: number): Promise<void> {
  const { page } = bench;
  const helper = `etc/assay/${story.name}.yaml`;
  story.prepare(bench);
  await bench.sh(page.take(''));
  bench.put(helper, page.take('yaml'));
  await bench.sh(page.take(''));
  bench.put(story.config, page.take(story.language));
  await bench.sh(page.take(''));
  bench.helper(helper);
  story.start(bench);
  await startService(bench, SERVICE_UID, 'spiffe://example.org/web', behind);
  bench.put('etc/assay/orders.yaml', page.take('yaml'));
  bench.folderOf(CALLER_UID, 'var/lib/orders');
  bench.helper('etc/assay/orders.yaml', CALLER_UID);
  await startOther(bench);
  for (const file of [`${CALLER_FILES}/tls.crt`, story.pidFile])
    await until(() => existsSync(bench.at(file)), `${file}\n${bench.log}`);
}
