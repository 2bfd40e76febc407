// SPDX-License-Identifier: Apache-2.0
/** `assay evidence verify` of a file and nothing else: no daemon, no network. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { evidenceText } from '../../src/evidence/format.ts';
import { verifierKey } from '../../src/merkle/note.ts';
import { assayHere, type CliResult } from '../support/cli.ts';
import { issued, logged, logSigner, type Story, story } from '../support/evidence-story.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('evidence-file');
const signer = logSigner();
const logKey = verifierKey(signer);

function fileOf(name: string, change: (told: Story) => void = () => undefined): string {
  const told = story();
  change(told);
  const file = join(dir, name);
  writeFileSync(file, evidenceText(logged(told, signer)));
  return file;
}

const verify = (file: string, ...flags: string[]): Promise<CliResult> =>
  assayHere(['evidence', 'verify', file, ...flags]);
let good = '';
beforeAll(() => {
  good = fileOf('good');
});

describe('assay evidence verify', () => {
  it('tells what happened, in the order of it', async () => {
    const { code, out, err } = await verify(good, '--log-key', logKey);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /pending by .*active by .*ended \(completed: exit status 0\).*people were asked: 2 with strength 1.*approve by alice with ssh-ed25519 SHA256:.*the log alone says.*approve by bob.*people: approved.*given: 2 as .*, 2 taken back.*x509 (a1){16}.*jwt (b2){16}.* for payments, taken back .*, never sent \(gone\).*below: task .*verdict: it holds\n$/s,
    );
  });

  it('B5: says aloud that the log key is only what the file says', async () => {
    const { code, err } = await verify(good);
    expect(code).toBe(0);
    expect(err).toContain('WARNING: the log key is the one that the file itself names');
    expect(err).toContain(logKey);
    expect(JSON.parse((await verify(good, '-o', 'json')).out)).toMatchObject({ verified: true, log_key_known: false });
  });

  it('B5: with the key of another log fails, and tells nothing of what the file says', async () => {
    const { code, out } = await verify(good, '--log-key', verifierKey(logSigner()), '-o', 'json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ verified: false, log_key_known: true, task: null, issued: [], size: null });
  });

  it('exits 1 with each fault where it does not hold', async () => {
    const bad = fileOf('bad', ({ of }) => void Object.assign(of('issue.revoke').said, { serials: ['a1'.repeat(16)] }));
    const { code, out } = await verify(bad, '--log-key', logKey);
    expect(code).toBe(1);
    expect(out).toMatch(
      /FAULT: event \d+ \(issue\.jwt\): it was not taken back when the task ended\nverdict: it does not hold, 1 faults\n$/,
    );
  });

  it('shows twenty of what was given, and says how many more there are', async () => {
    const many = fileOf('many', ({ told, of }) => {
      const more = Array.from({ length: 30 }, (_, no) =>
        issued('issue.x509', 100 + no, `${10 + no}`.repeat(16), of('issue.x509').at),
      );
      told.splice(told.indexOf(of('task.ended')), 0, ...more);
      of('issue.revoke').said.serials.push(...more.map(({ said }) => said.serial));
    });
    const { out } = await verify(many, '--log-key', logKey);
    expect(out).toContain('and 12 more: -o json\n');
    expect(JSON.parse((await verify(many, '-o', 'json')).out).issued).toHaveLength(32);
  });

  it('C4: shows no text that acts on a terminal', async () => {
    const odd = fileOf('odd', ({ of }) => void Object.assign(of('task.ended').said, { end_reason: '\u001b[2J\u202e' }));
    expect((await verify(odd, '--log-key', logKey)).out).toContain('(completed: \\u{1b}[2J\\u{202e})');
  });
});
