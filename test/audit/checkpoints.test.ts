// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { anchorsOf, compareWithAnchors } from '../../src/audit/anchors.ts';
import { Checkpoints } from '../../src/audit/checkpoints.ts';
import { openLogKey } from '../../src/audit/log-key.ts';
import { openCheckpoint, parseVerifierKey, signCheckpoint } from '../../src/merkle/note.ts';
import { openStore } from '../store/opened.ts';
import { anIssuance, furnish } from '../store/samples.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('checkpoints');
const keyDirs = { first: tempDir('log-key'), second: tempDir('log-key-broken') };
const NAME = 'td/assay/0011223344556677';
let count = 0;

async function world(elsewhere?: string) {
  count += 1;
  const dir = join(top, `data-${count}`);
  const [clock, log] = [new FakeClock(), new RecordingLogger()];
  const store = await openStore(dir, { clock });
  const { signer } = await openLogKey(dir, NAME);
  const anchors = anchorsOf(dir, elsewhere);
  const checkpoints = new Checkpoints({ audit: store.audit, signer, anchors, clock, log });
  const anchored = (): string | undefined => {
    const path = join(dir, 'audit/checkpoint');
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  };
  return { dir, clock, log, store, signer, anchors, checkpoints, anchored };
}

/** Real files take real time, also under a clock that is told when to move. */
async function settled(check: () => boolean): Promise<void> {
  for (let at = 0; at < 400 && !check(); at += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(check()).toBe(true);
}

describe('checkpoints', () => {
  it('are signed ten seconds after the first event that is under none, kept, anchored and logged', async () => {
    const { clock, store, checkpoints, anchored, signer, log } = await world();
    await furnish(store);
    await clock.advance(9_990);
    expect(store.audit.latestCheckpoint()).toBeUndefined();
    await clock.advance(20);
    await settled(() => anchored() !== undefined);
    const { size, root, note } = store.audit.latestCheckpoint() ?? {};
    expect({ size, root }).toEqual(store.audit.head());
    expect(anchored()).toBe(note);
    const verifier = parseVerifierKey(checkpoints.verifierKey());
    expect(openCheckpoint(note ?? '', verifier)).toEqual({ origin: signer.name, size, root });
    expect(log.lines.filter(({ fields }) => 'note' in fields && fields.note === note)).toHaveLength(1);
    expect(checkpoints.health()).toMatchObject({ status: 'ok', text: `${size} events under the latest checkpoint` });
    await checkpoints.close();
  });

  it('are signed at once over a hundred events, at most one a second, and none where nothing was added', async () => {
    const { clock, store, checkpoints, anchored } = await world();
    await furnish(store);
    await Promise.all(Array.from({ length: 100 }, () => store.record(anIssuance())));
    await clock.advance(0);
    await settled(() => anchored() !== undefined);
    const first = store.audit.latestCheckpoint()?.size;
    expect(first).toBe(store.audit.head().size);
    await Promise.all(Array.from({ length: 100 }, () => store.record(anIssuance())));
    await clock.advance(990);
    expect(store.audit.latestCheckpoint()?.size).toBe(first);
    await clock.advance(20);
    await settled(() => store.audit.latestCheckpoint()?.size === store.audit.head().size);
    const note = anchored();
    await clock.advance(60_000);
    expect(anchored()).toBe(note);
    await checkpoints.close();
  });

  it('are signed when asked for, and the last when it closes, each size once', async () => {
    const { store, checkpoints, anchored } = await world();
    await furnish(store);
    const asked = await checkpoints.now();
    expect(asked.size).toBe(store.audit.head().size);
    expect(await checkpoints.now()).toEqual(asked);
    await store.record(anIssuance());
    await checkpoints.close();
    await checkpoints.close();
    expect(store.audit.latestCheckpoint()?.size).toBe(asked.size + 1);
    expect(anchored()).toBe(store.audit.latestCheckpoint()?.note);
  });

  it('that cannot be anchored elsewhere are kept all the same, and health says so after an hour', async () => {
    const gone = join(top, 'not-there/checkpoint');
    const { clock, store, checkpoints, log, anchored } = await world(gone);
    await furnish(store);
    await checkpoints.now();
    expect(anchored()).toBe(store.audit.latestCheckpoint()?.note);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(checkpoints.health().status).toBe('ok');
    await clock.advance(3_600_000);
    expect(checkpoints.health()).toMatchObject({ status: 'warn', text: expect.stringContaining(`${gone}: ENOENT`) });
    mkdirSync(join(top, 'not-there'));
    await store.record(anIssuance());
    await checkpoints.now();
    expect(checkpoints.health().status).toBe('ok');
    expect(readFileSync(gone, 'utf8')).toBe(anchored());
    await checkpoints.close();
  });
});

describe('B5: a log is held against its anchored checkpoints', () => {
  it('and goes on where they are over its beginning, or are not there', async () => {
    const { store, checkpoints, anchors } = await world();
    await compareWithAnchors(store.audit, anchors);
    await furnish(store);
    await checkpoints.now();
    await store.record(anIssuance());
    await compareWithAnchors(store.audit, anchors);
    await checkpoints.close();
  });

  it.each([
    ['is over more events than it has', 1, false, 'is over'],
    ['is over others in their place', 0, true, 'are not those that'],
  ])('and refused where one %s', async (_, more, otherRoot, words) => {
    const elsewhere = join(top, `elsewhere-${more}`);
    const { store, checkpoints, anchors, signer } = await world(elsewhere);
    await furnish(store);
    await checkpoints.close();
    const { size, root } = store.audit.head();
    const other = otherRoot ? Buffer.from(root.map((byte) => byte ^ 1)) : root;
    writeFileSync(elsewhere, signCheckpoint({ origin: NAME, size: size + more, root: other }, signer));
    const refused = await refusalOfAsync(() => compareWithAnchors(store.audit, anchors));
    expect([refused.reason, refused.field, refused.value]).toEqual(['ROLLED_BACK', 'audit.checkpoint_file', elsewhere]);
    expect(refused.message).toContain(words);
    rmSync(elsewhere);
    await compareWithAnchors(store.audit, anchors);
  });

  it.each([
    ['no checkpoint', 'x', 'CHECKPOINT_INVALID'],
    ['too long', 'x'.repeat(17_000), 'CHECKPOINT_UNREADABLE'],
  ])('and refused where the file is %s', async (_, text, reason) => {
    const elsewhere = join(top, `elsewhere-${reason}`);
    const { store, checkpoints, anchors } = await world(elsewhere);
    await checkpoints.close();
    writeFileSync(elsewhere, text);
    expect((await refusalOfAsync(() => compareWithAnchors(store.audit, anchors))).reason).toBe(reason);
  });
});

describe('the key of the log', () => {
  it('is made once, ours alone, and found again', async () => {
    const dir = keyDirs.first;
    const made = await openLogKey(dir, NAME);
    const found = await openLogKey(dir, NAME);
    expect([made.isNew, found.isNew]).toEqual([true, false]);
    expect(found.signer.publicKey.equals(made.signer.publicKey)).toBe(true);
    expect(statSync(join(dir, 'audit/log-key.p8')).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, 'audit')).mode & 0o777).toBe(0o700);
  });

  it('is refused where the file holds something else, and what it holds is not said', async () => {
    const dir = keyDirs.second;
    await openLogKey(dir, NAME);
    writeFileSync(join(dir, 'audit/log-key.p8'), 'secret', { mode: 0o600 });
    const refused = await refusalOfAsync(() => openLogKey(dir, NAME));
    expect(refused.reason).toBe('KEY_FILE_BROKEN');
    expect(refused.message).not.toContain('secret');
  });
});
