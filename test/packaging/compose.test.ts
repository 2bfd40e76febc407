// SPDX-License-Identifier: Apache-2.0
/**
 * examples/compose on a real engine: its image, and the settings of compose.yaml by the engine's API, since the test bed has no
 * compose plugin. The commands are those of its README.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type AssayImage, buildAssayImage } from '../support/assay-image.ts';
import { containerOf, readCompose } from '../support/compose.ts';
import { saysLog } from '../support/container-log.ts';
import { top } from '../support/daemon.ts';
import type { Container } from '../support/docker.ts';
import { pageBlock } from '../support/page-block.ts';
import { describeWithDocker } from '../support/testbed.ts';

const file = readCompose(readFileSync(join(top, 'examples/compose/compose.yaml'), 'utf8'));
const commands = pageBlock('examples/compose/README.md', 'sh', 'docker compose up');
const IN_DAEMON = 'docker compose exec assay ';

describeWithDocker(
  'the compose example',
  (docker) => {
    const own = `assay-compose-${randomBytes(4).toString('hex')}`;
    const volumes = new Map(file.volumes.map((name) => [name, `${own}-${name}`]));
    let image: AssayImage | undefined;
    let daemon: Container;

    const start = (service: string, change: object = {}): Promise<Container> =>
      docker.run({ ...containerOf({ ...file.services[service], ...change }, String(image?.tag), volumes) });
    const inDaemon = async (...words: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await daemon.exec(words);
      if (code !== 0) throw new Error(`${words.join(' ')}: ${stdout}${stderr}`);
      return stdout;
    };
    const says = (container: Container, wanted: RegExp): Promise<string> => saysLog(container, wanted, daemon);

    beforeAll(async () => {
      image = await buildAssayImage(docker.engine, `${own}:test`);
      daemon = await start('assay');
      await says(daemon, /^ready: example\.org/m);
      const lines = commands.split('\n').filter((line) => line.startsWith(`${IN_DAEMON}assay entry create`));
      expect(lines).toHaveLength(2);
      for (const line of lines) await inDaemon(...line.slice(IN_DAEMON.length).split(' '));
    }, 300_000);

    afterAll(async () => {
      await docker.removeAll();
      for (const name of volumes.values()) await docker.request('DELETE', `/volumes/${name}`).catch(() => undefined);
      await image?.remove();
    }, 120_000);

    it('starts a daemon that finds nothing amiss', async () => {
      const { checks } = JSON.parse(await inDaemon('assay', 'doctor', '--output', 'json')) as {
        checks: Record<string, string>[];
      };
      const odd = checks.filter(({ name, status }) => status !== 'ok' && name !== 'descriptors' && name !== 'callers');
      expect(odd).toEqual([]);
      expect(checks.map(({ name }) => name)).toContain('attestor docker');
    });

    it('gives each of two services of one uid and one image its own identity', async () => {
      const services = await Promise.all(['web', 'billing'].map((name) => start(name)));
      for (const [at, name] of ['web', 'billing'].entries()) {
        const said = await says(services[at] as Container, /spiffe:/);
        expect(new Set(said.match(/spiffe:\/\/example\.org\/[a-z]+/g))).toEqual(
          new Set([`spiffe://example.org/${name}`]),
        );
      }
    });

    it('gives a container without such a label nothing', async () => {
      const other = await start('web', { labels: {} });
      const said = await says(other, /no identity issued/);
      expect(said).not.toContain('spiffe://');
    });

    it('serves open services again after the daemon was started anew, with the same data', async () => {
      const web = await start('web');
      await says(web, /spiffe:/);
      await daemon.restart();
      await says(web, /spiffe:[\s\S]*ended[\s\S]*spiffe:/);
    });

    it('lets the daemon write nowhere but to its volumes, and gives services nothing of it', async () => {
      const { HostConfig } = (await daemon.inspect()) as unknown as { HostConfig: Record<string, unknown> };
      expect(HostConfig).toMatchObject({ Privileged: false, ReadonlyRootfs: true, NetworkMode: 'none' });
      expect((await daemon.exec(['sh', '-c', 'echo x >/opt/assay/x'])).code).not.toBe(0);
      const web = await start('web');
      expect((await web.exec(['ls', '/run/assay-admin'])).code).not.toBe(0);
      expect((await web.exec(['ls', '/var/run/docker.sock'])).code).not.toBe(0);
      expect((await web.exec(['sh', '-c', 'rm /run/assay/workload/api.sock'], { user: '0' })).code).not.toBe(0);
    });
  },
  { debian: true },
);
