// SPDX-License-Identifier: Apache-2.0
/** `docs/errors.md` names every reason that a Failure of ours gives, and none that nothing gives. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const top = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(top, 'docs/errors.md'), 'utf8');
const sources = globSync(['src/**/*.ts', 'attestors/**/*.ts'], { cwd: top }).map((file) =>
  readFileSync(join(top, file), 'utf8'),
);
const documented = new Set(
  [...page.matchAll(/`((?!ASSAY_)[A-Z][A-Z0-9_]{3,})`/g)].map(([, reason]) => reason as string),
);

describe('docs/errors.md', () => {
  it('names every reason', () => {
    const given = sources.flatMap((text) =>
      [...text.matchAll(/new Failure\(\s*'[a-z-]+',\s*'([A-Z0-9_]+)'/g)].map(([, reason]) => reason as string),
    );
    expect(given.length).toBeGreaterThan(80);
    expect([...new Set(given)].filter((reason) => !documented.has(reason)).sort()).toEqual([]);
  });

  it('names no reason that is not given', () => {
    const code = sources.join('\n');
    expect([...documented].filter((reason) => !code.includes(`'${reason}'`)).sort()).toEqual([]);
  });

  it('names every kind', () => {
    const [, union = ''] =
      /export type FailureKind =([^;]+);/.exec(readFileSync(join(top, 'src/lib/failure.ts'), 'utf8')) ?? [];
    for (const [, kind] of union.matchAll(/'([a-z-]+)'/g)) expect(page).toContain(`| \`${kind}\` |`);
  });
});
