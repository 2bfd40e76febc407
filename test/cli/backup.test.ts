// SPDX-License-Identifier: Apache-2.0
/** `assay backup`, `restore` and `audit accept-rollback` around a real daemon and a real client. */
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { X509Source } from '../../src/client/x509-source.ts';
import { assayHere as assay } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';

const uid = process.getuid?.() ?? 0;
let daemon: Daemon;
let backup = '';
beforeAll(async () => {
  daemon = await Daemon.start();
  backup = join(daemon.folder, 'backup');
  await daemon.admin.createEntry({ spiffe_id: 'spiffe://example.org/me', selectors: [`unix:uid:${uid}`] });
});
afterAll(() => daemon.close());

const sequence = async (): Promise<number> => Number((await daemon.admin.call('GetOwnBundle', {})).bundle.sequence);

it('B5: an old copy is refused, accepted on purpose, and workloads go on under new authorities and a larger bundle sequence', async () => {
  const source = await X509Source.open({ socket: daemon.endpoint });
  const made = await assay(['backup', '--to', backup, '--config', daemon.configFile]);
  expect(made).toMatchObject({ code: 0, out: expect.stringContaining('keep it as you would keep the data folder') });
  const again = await assay(['backup', '--to', backup, '--config', daemon.configFile]);
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('is not empty') });
  const before = { sequence: await sequence(), serial: source.svid().serial, anchors: source.bundleFor('example.org') };
  await daemon.admin.createEntry({ spiffe_id: 'spiffe://example.org/lost', selectors: ['unix:uid:7'] });
  const running = await assay(['audit', 'accept-rollback', '--yes', '--config', daemon.configFile]);
  expect(running).toMatchObject({ code: 1, err: expect.stringContaining('is in use by') });
  await daemon.stop();

  for (const name of readdirSync(daemon.dataDir)) if (name.startsWith('assay.db')) rmSync(join(daemon.dataDir, name));
  cpSync(join(backup, 'assay.db'), join(daemon.dataDir, 'assay.db'));
  await expect(daemon.start()).rejects.toThrow(/has gone back[\s\S]*assay audit accept-rollback/);

  const look = await assay(['audit', 'accept-rollback', '--config', daemon.configFile]);
  expect(look).toMatchObject({ code: 1, out: expect.stringMatching(/found +change \d+.*\nreached +change \d+/) });
  expect(look.out).toMatch(/\ncheckpoint +\S+\/audit\/checkpoint: events [1-9]\d*\n/);
  const accepted = await assay(['audit', 'accept-rollback', '--yes', '--config', daemon.configFile, '-o', 'json']);
  expect(accepted.code).toBe(0);
  expect(JSON.parse(accepted.out).authorities_removed.length).toBeGreaterThan(0);

  await daemon.start();
  expect(await sequence()).toBeGreaterThan(before.sequence);
  while (source.svid().serial === before.serial) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(source.bundleFor('example.org')).not.toEqual(before.anchors);
  expect((await assay(['audit', 'verify', '--config', daemon.configFile])).out).toContain('all is as it was written');
  source.close();
});

it('a backup is restored into an empty folder, and serves', async () => {
  await daemon.stop();
  rmSync(daemon.dataDir, { recursive: true });
  const full = await assay(['restore', '--from', backup, '--config', daemon.configFile, '-o', 'json']);
  expect(JSON.parse(full.out).numbers.issuance).toBeGreaterThan(1_000_000);
  await daemon.start();
  const source = await X509Source.open({ socket: daemon.endpoint });
  expect(source.svid().spiffeId.toString()).toBe('spiffe://example.org/me');
  source.close();
  const twice = await assay(['restore', '--from', backup, '--config', daemon.configFile]);
  expect(twice).toMatchObject({ code: 1, err: expect.stringContaining('--data-dir') });
});

it('A13: a backup is neither written nor read where somebody else could change it', async () => {
  const open = join(daemon.folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  const written = await assay(['backup', '--to', join(open, 'b'), '--config', daemon.configFile]);
  expect(written).toMatchObject({ code: 1, err: expect.stringContaining(`${open} has mode 0777`) });
  cpSync(backup, join(open, 'copy'), { recursive: true });
  const fresh = join(daemon.folder, 'fresh');
  const read = await assay(['restore', '--from', join(open, 'copy'), '--data-dir', fresh], { env: {} });
  expect(read).toMatchObject({ code: 1, err: expect.stringContaining(`${open} has mode 0777`) });
  const gone = await assay(['restore', '--from', join(open, 'none'), '--data-dir', fresh], { env: {} });
  expect(gone).toMatchObject({ code: 1, err: expect.stringContaining('--from') });
  const proc = await assay(['backup', '--to', '/proc/backup', '--config', daemon.configFile]);
  expect(proc).toMatchObject({ code: 1, err: expect.stringContaining('it cannot be made (ENOENT)') });
});
