// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { X509Authority } from '../../src/authority/authority.ts';
import type { KeyManager } from '../../src/authority/key-manager.ts';
import { openDiskKeyManager } from '../../src/authority/keys/disk.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { AuthorityRecord } from '../../src/store/records.ts';
import {
  eventually,
  HOUR,
  leafRequest,
  MINUTE,
  recorded,
  restart,
  slotsOf,
  startAuthority,
} from '../support/authority.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { tempDir } from '../support/temp-dir.ts';

const random = systemRandom;
const top = tempDir('restart');

function dataFolder(): string {
  return mkdtempSync(join(top, 'data-'));
}

function preparedOf(authority: X509Authority): AuthorityRecord | undefined {
  return authority.slots().find(({ slot }) => slot === 'prepared');
}

describe('a restart with keys on disk', () => {
  it('goes on with the same CA, and changes nothing', async () => {
    const dataDir = dataFolder();
    const first = await startAuthority({ keyManager: await openDiskKeyManager({ dataDir, random }) });
    const { id } = first.authority.slots()[0]!;
    const second = await restart(first, await openDiskKeyManager({ dataDir, random }));
    expect(second.authority.active().authorityId).toBe(id);
    expect(second.authority.bundle()).toEqual(first.authority.bundle());
    expect(second.store.writes).toBe(1);
    await second.close();
  });

  it('does at once what fell due while the daemon was down', async () => {
    const dataDir = dataFolder();
    const first = await startAuthority({ keyManager: await openDiskKeyManager({ dataDir, random }) });
    await first.clock.advance(12 * HOUR);
    await eventually(() => preparedOf(first.authority) !== undefined);
    const prepared = preparedOf(first.authority)!.id;
    await first.close();
    await first.clock.advance(9 * HOUR);
    const second = await restart(first, await openDiskKeyManager({ dataDir, random }));
    expect(second.authority.active().authorityId).toBe(prepared);
    await second.close();
  });

  it('after the active CA has expired activates the prepared one rather than a root that nobody knows', async () => {
    const dataDir = dataFolder();
    const first = await startAuthority({ keyManager: await openDiskKeyManager({ dataDir, random }) });
    await first.clock.advance(12 * HOUR);
    await eventually(() => preparedOf(first.authority) !== undefined);
    const prepared = preparedOf(first.authority)!.id;
    await first.close();
    await first.clock.advance(13 * HOUR);
    const second = await restart(first, await openDiskKeyManager({ dataDir, random }));
    expect(second.authority.active().authorityId).toBe(prepared);
    await second.close();
  });

  it('I6: says that its root is still unannounced when the daemon died before it could', async () => {
    const dataDir = dataFolder();
    const first = await startAuthority({ keyManager: await openDiskKeyManager({ dataDir, random }) });
    await first.authority.prepare('uid:0');
    const id = await first.authority.activate({ now: true, by: 'uid:0' });
    const log = new RecordingLogger();
    const second = await restart(first, await openDiskKeyManager({ dataDir, random }), { log });
    expect(log.lines).toContainEqual({
      level: 'warn',
      fields: { authorityId: id, unannounced: true },
      message: 'the active authority is still unannounced',
    });
    await second.close();
    await second.clock.advance(25 * MINUTE);
    const later = new RecordingLogger();
    const third = await restart(second, await openDiskKeyManager({ dataDir, random }), { log: later });
    expect(later.lines).toEqual([]);
    await third.close();
  });

  it('after all have expired makes a new root, and the expired ones leave', async () => {
    const dataDir = dataFolder();
    const first = await startAuthority({ keyManager: await openDiskKeyManager({ dataDir, random }) });
    const before = first.authority.show().bundleSequence;
    await first.close();
    await first.clock.advance(48 * HOUR);
    const log = new RecordingLogger();
    const second = await restart(first, await openDiskKeyManager({ dataDir, random }), { log });
    expect(Object.values(slotsOf(second.authority))).toEqual(['active']);
    expect(second.authority.show().bundleSequence).toBeGreaterThan(before);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ unannounced: true }) }),
    );
    await second.close();
  });

  it('finds a lost key file: its certificate stays until its last SVID has expired, and a new root signs', async () => {
    const dataDir = dataFolder();
    const first = await startAuthority({ keyManager: await openDiskKeyManager({ dataDir, random }) });
    const lost = first.authority.slots()[0]!;
    recorded(first, await first.authority.mintLeaf(leafRequest()));
    unlinkSync(join(dataDir, 'keys', `${lost.keyRef}.p8`));
    const second = await restart(first, await openDiskKeyManager({ dataDir, random }));
    expect(slotsOf(second.authority)[lost.id]).toBe('old');
    expect(second.authority.active().authorityId).not.toBe(lost.id);
    expect(second.authority.bundle().certificates).toHaveLength(2);
    await second.clock.advance(HOUR + 1000);
    await eventually(() => second.authority.bundle().certificates.length === 1);
    await second.close();
  });

  it('drops a prepared CA whose key file is lost, and prepares another', async () => {
    const dataDir = dataFolder();
    const first = await startAuthority({ keyManager: await openDiskKeyManager({ dataDir, random }) });
    await first.clock.advance(12 * HOUR);
    await eventually(() => preparedOf(first.authority) !== undefined);
    const lost = preparedOf(first.authority)!;
    unlinkSync(join(dataDir, 'keys', `${lost.keyRef}.p8`));
    const second = await restart(first, await openDiskKeyManager({ dataDir, random }));
    expect(Object.values(slotsOf(second.authority)).sort()).toEqual(['active', 'prepared']);
    expect(slotsOf(second.authority)[lost.id]).toBeUndefined();
    await second.close();
  });

  it('I2: is refused when a key file holds another key than the certificate names', async () => {
    const dataDir = dataFolder();
    const keys = await openDiskKeyManager({ dataDir, random });
    const first = await startAuthority({ keyManager: keys });
    const other = await keys.generate('x509', 'ec-p256');
    const swapped: KeyManager = { ...keys, get: async () => other };
    await expect(restart(first, swapped)).rejects.toMatchObject({
      kind: 'failed-precondition',
      reason: 'AUTHORITY_KEY_MISMATCH',
    });
  });

  it('sweeps the key of a CA that a crash kept from being written down', async () => {
    const dataDir = dataFolder();
    const keys = await openDiskKeyManager({ dataDir, random });
    const first = await startAuthority({ keyManager: keys });
    await keys.generate('x509', 'ec-p256');
    expect(readdirSync(join(dataDir, 'keys'))).toHaveLength(2);
    const second = await restart(first, await openDiskKeyManager({ dataDir, random }));
    expect(readdirSync(join(dataDir, 'keys'))).toEqual([`${second.authority.slots()[0]!.keyRef}.p8`]);
    await second.close();
  });

  it('I8: leaves keys alone that no authority names when the journal is empty: the database may be put back', async () => {
    const dataDir = dataFolder();
    const keys = await openDiskKeyManager({ dataDir, random });
    const { ref } = await keys.generate('x509', 'ec-p256');
    const bench = await startAuthority({ keyManager: keys });
    expect(await keys.list()).toContain(ref);
    await bench.close();
  });
});

describe('a restart under another ca.ttl', () => {
  it('goes on with the CA it has; the next one lives as configured, and its SVIDs do now', async () => {
    const dataDir = dataFolder();
    const first = await startAuthority({ keyManager: await openDiskKeyManager({ dataDir, random }) });
    const second = await restart(first, await openDiskKeyManager({ dataDir, random }), { caTtlMs: HOUR });
    const { authority, clock } = second;
    expect(authority.active().authorityId).toBe(first.authority.slots()[0]!.id);
    expect((await authority.mintLeaf(leafRequest())).notAfter).toBe(clock.now() + 10 * MINUTE);
    await clock.advance(12 * HOUR);
    await eventually(() => preparedOf(authority) !== undefined);
    const prepared = preparedOf(authority)!;
    expect(prepared.notAfter - prepared.preparedAt).toBe(HOUR);
    await clock.advance(30 * MINUTE);
    await eventually(() => authority.active().authorityId === prepared.id);
    // It is at half of its own life, so its successor is due at once.
    await eventually(() => preparedOf(authority) !== undefined);
    await second.close();
  });
});
