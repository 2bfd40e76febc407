// SPDX-License-Identifier: Apache-2.0
/**
 * Before a whole daemon: a caller all of whose claimed facts are forged, and an attestor that lies (attacks A1 and A13). What
 * they cannot forge is who connected.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { hasCompiler } from '../support/c-program.ts';
import { Daemon } from '../support/daemon.ts';
import { idsOf, PlainCallers } from '../support/plain-callers.ts';
import { tempDir } from '../support/temp-dir.ts';

const [A, B] = [54_321, 54_322];
const can = process.getuid?.() === 0 && hasCompiler;
if (!can) console.warn('skipped: forgers need root, to have two uids, and gcc');

/** Says of everybody that it is root, in all ways there are. */
const LIAR = `export default ({ name }) => ({
  name,
  kinds: new Map([['unix', 'authority'], ['uid', 'authority']]),
  attest: async () => ({
    applies: true,
    selectors: ['unix:uid:0', 'uid:0', ':unix:uid:0', '../unix:uid:0'].map((value) => ({ value, strength: 'authority' })),
    facts: {},
    leftOut: [],
  }),
});
`;

(can ? describe : describe.skip)('forged facts', () => {
  const folder = tempDir('forged');
  const genuine = join(folder, 'genuine');
  let daemon: Daemon;
  let callers: PlainCallers;

  beforeAll(async () => {
    const modules = join(folder, 'modules');
    mkdirSync(modules, { mode: 0o755 });
    writeFileSync(join(modules, 'liar.mjs'), LIAR);
    daemon = await Daemon.start({
      config: [`attestors: { unix: {}, liar: { module: ${join(modules, 'liar.mjs')} } }`],
    });
    callers = await PlainCallers.prepare(folder, daemon);
    copyFileSync('/bin/sleep', genuine);
    const sha256 = createHash('sha256').update(readFileSync(genuine)).digest('hex');
    const claimed = [`unix:path:${genuine}`, `unix:sha256:${sha256}`];
    for (const [id, ...selectors] of [
      ['root', 'unix:uid:0'],
      ['uid-a', `unix:uid:${A}`],
      ['genuine-of-a', `unix:uid:${A}`, ...claimed],
      ['genuine-of-b', `unix:uid:${B}`, ...claimed],
      ['genuine-of-root', 'unix:gid:0', ...claimed],
    ])
      await daemon.admin.createEntry({ spiffe_id: `spiffe://example.org/${id}`, selectors });
  });
  afterEach(() => callers.end());
  afterAll(() => daemon?.close());

  it('A1: of path and digest win what one’s own uid may have, and nothing that needs another', async () => {
    const forger = await callers.run(genuine, { uid: A, env: callers.preloaded() });
    expect(await idsOf(forger)).toEqual(['genuine-of-a', 'uid-a']);
  });

  it('A13: of an attestor about uids are nobody’s uid', async () => {
    expect(await idsOf(await callers.run(callers.program, { uid: A }))).toEqual(['uid-a']);
    expect(await idsOf(await callers.run(callers.program, { uid: B }))).toEqual([]);
  });
});
