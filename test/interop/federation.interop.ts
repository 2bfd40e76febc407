// SPDX-License-Identifier: Apache-2.0
/** go-spiffe's federation client at our bundle endpoint, by each profile. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { webCa, webLeaf } from '../federation/endpoints.ts';
import { Daemon } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { pem } from '../support/test-ca.ts';
import { keyPem } from '../support/tls-parties.ts';
import { GoWorkload } from './go-workload.ts';

const ID = 'spiffe://example.org/spire/server';
let go: GoWorkload;
beforeAll(() => {
  go = new GoWorkload();
});
afterAll(() => go.remove());

async function serving(profile: string, files: string): Promise<{ daemon: Daemon; url: string }> {
  const port = await freePort();
  const daemon = new Daemon({
    config: [
      `https: { listen: "127.0.0.1:${port}"${files} }`,
      `federation: { bundle_endpoint: { profile: ${profile}, path: /bundle } }`,
    ],
  });
  const leaf = webLeaf();
  writeFileSync(join(daemon.folder, 'c.pem'), leaf.chain.map(pem).join(''));
  writeFileSync(join(daemon.folder, 'k.pem'), keyPem(leaf.pkcs8), { mode: 0o600 });
  writeFileSync(join(daemon.folder, 'ca.pem'), pem(webCa.der));
  await daemon.start();
  const { bundle } = await daemon.admin.call('GetOwnBundle');
  writeFileSync(join(daemon.folder, 'bundle.json'), bundle.spiffe_document);
  return { daemon, url: `https://localhost:${port}/bundle` };
}

describe('go-spiffe’s federation client', () => {
  it.each([
    ['https_web', ', cert: c.pem, key: k.pem', ['ca.pem']],
    ['https_spiffe', '', ['bundle.json', ID]],
  ])(
    'FED-01 CLI-15: fetches our bundle by %s, and the next one after a change',
    async (profile, files, [file = '', ...id]) => {
      const { daemon, url } = await serving(profile, files);
      try {
        const ask = async () => {
          const run = go.run(daemon.endpoint, 'endpoint', url, 'example.org', join(daemon.folder, file), ...id);
          await run.succeeds();
          return run.named('bundle');
        };
        const first = await ask();
        expect(first).toMatchObject({ authorities: 1, hint: 300 });
        await daemon.admin.call('PrepareAuthority');
        expect(await ask()).toMatchObject({ authorities: 2, sequence: Number(first['sequence']) + 1 });
      } finally {
        await daemon.close();
      }
    },
  );

  it('CLI-23: takes no error for a bundle', async () => {
    const { daemon, url } = await serving('https_web', ', cert: c.pem, key: k.pem');
    const run = go.run(daemon.endpoint, 'endpoint', `${url}/x`, 'example.org', join(daemon.folder, 'ca.pem'));
    await expect(run.succeeds()).rejects.toThrow();
    await daemon.close();
  });
});
