// SPDX-License-Identifier: Apache-2.0
/** `assay audit` against a real daemon, in text and in JSON. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { leafHash } from '../../src/merkle/hash.ts';
import { openCheckpoint, parseVerifierKey } from '../../src/merkle/note.ts';
import { provesInclusion } from '../../src/merkle/proof.ts';
import { payloadHash } from '../../src/store/events.ts';
import { assayHere as assay, type CliResult, assay as child } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';

const ID = 'spiffe://example.org/web';
let daemon: Daemon;
let checkpointFile = '';
beforeAll(async () => {
  daemon = new Daemon({ config: ['audit: { checkpoint_file: elsewhere }'] });
  checkpointFile = join(daemon.folder, 'elsewhere');
  await daemon.start();
  for (const args of [
    ['entry', 'create', '--spiffe-id', ID, '--selector', 'unix:uid:7', '--entry-id', 'web'],
    ['entry', 'update', 'web', '--hint', 'main'],
    ['identity', 'suspend', ID, '--reason', 'key seen'],
  ])
    await run(...args);
});
afterAll(() => daemon.close());

async function run(...args: string[]): Promise<CliResult> {
  const result = await assay([...args, '--admin-socket', daemon.adminSocket]);
  expect({ args, ...result }).toMatchObject({ code: 0 });
  return result;
}

// biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
async function json(...args: string[]): Promise<any> {
  return JSON.parse((await run(...args, '-o', 'json')).out);
}

const verify = (...args: string[]): Promise<CliResult> => assay(['audit', 'verify', ...args], { env: {} });

describe('assay audit', () => {
  it('query lists who did what, by identity, kind and time', async () => {
    const { events } = await json('audit', 'query', '--identity', ID);
    const said = events.map(({ kind, actor }: { kind: string; actor: string }) => [kind, actor]);
    const uid = `uid:${process.getuid?.()}`;
    expect(said).toEqual([
      ['identity.create', uid],
      ['entry.create', uid],
      ['entry.update', uid],
      ['identity.suspend', uid],
    ]);
    expect(events[1].payload).toMatchObject({ id: 'web', selectors: 'unix:uid:7' });
    const { out } = await run('audit', 'query', '--kind', 'entry.', '--newest-first', '--limit', '1');
    expect(out).toMatch(/entry\.update +uid:\d+ +spiffe:\/\/example\.org\/web +id=web selectors=unix:uid:7/);
    expect((await json('audit', 'query', '--since', '1h', '--kind', 'entry.create')).events).toHaveLength(1);
    expect((await json('audit', 'query', '--until', '1h')).events).toHaveLength(0);
  });

  it('query refuses what is no kind and no time', async () => {
    const kind = await assay(['audit', 'query', '--kind', 'entry', '--admin-socket', daemon.adminSocket]);
    expect(kind).toMatchObject({ code: 1, err: expect.stringContaining('"entry" is no kind of event') });
    const since = await assay(['audit', 'query', '--since', 'soon', '--admin-socket', daemon.adminSocket]);
    expect(since).toMatchObject({ code: 2, err: expect.stringContaining('--since') });
  });

  it('tail shows the latest, one a line, and follows until interrupted', async () => {
    const { out } = await run('audit', 'tail', '--lines', '2', '-o', 'json');
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ kind }) => kind)).toEqual(['entry.update', 'identity.suspend']);
    let resumed: Promise<unknown> | undefined;
    const following = child(['audit', 'tail', '--follow', '--lines', '1', '--admin-socket', daemon.adminSocket], {
      watch: (text, interrupt) => {
        if (text.includes('identity.suspend')) resumed ??= run('identity', 'resume', ID);
        if (text.includes('identity.activate')) interrupt();
      },
    });
    const { out: followed } = await following;
    await resumed;
    expect(followed).toMatch(/identity\.suspend[\s\S]*identity\.activate/);
  });

  it('proof has all that is needed to check an event by itself', async () => {
    const { events } = await json('audit', 'query', '--kind', 'entry.create');
    const found = JSON.parse((await run('audit', 'proof', String(events[0].seq))).out);
    const key = parseVerifierKey((await run('audit', 'checkpoint', '--key')).out);
    const { size, root } = openCheckpoint(found.checkpoint, key);
    const leaf = leafHash(JSON.stringify(found.header));
    expect(leaf.toString('hex')).toBe(found.leaf_hash);
    expect(payloadHash(found.salt, found.payload).toString('hex')).toBe(found.header.payload_sha256);
    const proof = found.inclusion_proof.map((hash: string) => Buffer.from(hash, 'hex'));
    expect(provesInclusion({ leaf, index: found.header.seq, size, proof, root })).toBe(true);
    const kept = openCheckpoint((await run('audit', 'checkpoint')).out, key);
    const later = JSON.parse((await run('audit', 'proof', String(events[0].seq), '--size', String(kept.size))).out);
    const way = later.inclusion_proof.map((hash: string) => Buffer.from(hash, 'hex'));
    expect(later.size).toBe(kept.size);
    expect(provesInclusion({ leaf, index: found.header.seq, size: kept.size, proof: way, root: kept.root })).toBe(true);
    // Over a size that nothing was signed over, the proof stands, and whoever kept that root checks it.
    const between = JSON.parse((await run('audit', 'proof', '0', '--size', '2')).out);
    expect(between).toMatchObject({ size: 2, checkpoint: null, inclusion_proof: [expect.any(String)] });
    for (const size of [String(events[0].seq), '999999']) {
      const args = ['audit', 'proof', String(events[0].seq), '--size', size, '--admin-socket', daemon.adminSocket];
      expect(await assay(args)).toMatchObject({
        code: 1,
        err: expect.stringContaining(`--size: "${size}" is not from`),
      });
    }
    const none = await assay(['audit', 'proof', '9999', '--admin-socket', daemon.adminSocket]);
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining('there is no event "9999"') });
    expect(await assay(['audit', 'proof', '-1'])).toMatchObject({ code: 2 });
  });

  it('checkpoint is over everything, printed as it was signed, and anchored where the configuration says', async () => {
    const { out } = await run('audit', 'checkpoint');
    const key = parseVerifierKey((await run('audit', 'checkpoint', '--key')).out);
    const { events } = await json('audit', 'query');
    expect(openCheckpoint(out, key).size).toBe(events.length);
    expect(readFileSync(checkpointFile, 'utf8')).toBe(out);
  });

  it('export writes one a line, as they are or as CloudEvents, and says where the next goes on', async () => {
    const { events } = await json('audit', 'query');
    const { out, err } = await run('audit', 'export');
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(events);
    expect(err).toContain(`--from ${events.length}`);
    const past = await assay(['audit', 'export', '--from', '9999', '--admin-socket', daemon.adminSocket]);
    expect(past).toMatchObject({ code: 2, out: '', err: expect.stringContaining('is past the end') });
    const cloud = await run('audit', 'export', '--format', 'cloudevents', '--from', String(events.length - 1));
    expect(JSON.parse(cloud.out)).toMatchObject({
      specversion: '1.0',
      id: String(events.length - 1),
      source: 'spiffe://example.org',
      type: `assay.${events.at(-1).kind}`,
      subject: ID,
      data: events.at(-1),
    });
  });

  it('redact erases what an event says, with a reason', async () => {
    const { events } = await json('audit', 'query', '--kind', 'identity.create');
    const missing = await assay(['audit', 'redact', String(events[0].seq), '--admin-socket', daemon.adminSocket]);
    expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('--reason') });
    const { event } = await json('audit', 'redact', String(events[0].seq), '--reason', 'asked for');
    expect(event).toEqual({ ...events[0], payload: null });
    const { out } = await run('audit', 'query', '--kind', 'identity.create');
    expect(out).toContain('(erased)');
  });

  it('B5: verify says that all is as it was written, and names the row that is not', async () => {
    const { out: note } = await run('audit', 'checkpoint');
    const kept = join(daemon.folder, 'kept');
    writeFileSync(kept, note);
    const { out: key } = await run('audit', 'checkpoint', '--key');
    const running = await verify('--config', daemon.configFile, '--since', kept, '--key', key.trim());
    expect(running).toMatchObject({ code: 0, out: expect.stringContaining('all is as it was written') });
    await daemon.stop();
    const copy = join(daemon.folder, 'copy');
    cpSync(daemon.dataDir, copy, { recursive: true });
    expect(JSON.parse((await verify('--data-dir', copy, '-o', 'json')).out)).toMatchObject({
      verified: true,
      faults: [],
    });
    const file = join(copy, 'assay.db');
    const bytes = readFileSync(file);
    bytes[bytes.lastIndexOf('unix:uid:7')] = 'U'.charCodeAt(0);
    writeFileSync(file, bytes);
    const found = await verify('--data-dir', copy, '--since', kept);
    expect(found.code).toBe(1);
    expect(found.out).toMatch(/^(event \d+|entry "web"|database): /m);
    await daemon.start();
  });

  it('verify says what it cannot read', async () => {
    const gone = await verify('--data-dir', '/nowhere/at-all');
    expect(gone).toMatchObject({ code: 1, err: expect.stringContaining('cannot be used: ENOENT') });
    const since = await verify('--data-dir', daemon.dataDir, '--since', '/nowhere');
    expect(since).toMatchObject({ code: 1, err: expect.stringContaining('--since "/nowhere" cannot be read: ENOENT') });
    const key = await verify('--data-dir', daemon.dataDir, '--key', 'x');
    expect(key).toMatchObject({ code: 1, err: expect.stringContaining('the log key "x" is refused') });
  });
});
