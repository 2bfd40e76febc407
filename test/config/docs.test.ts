// SPDX-License-Identifier: Apache-2.0
/** `docs/config.md` and `docs/limits.md` say what the code does. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '../../src/config/limits.ts';
import { FLAG_NAMES } from '../../src/config/reader.ts';
import { formatDuration } from '../../src/lib/duration.ts';
import { inspect } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const docs = resolve(import.meta.dirname, '../../docs');
const config = readFileSync(join(docs, 'config.md'), 'utf8');
const limits = readFileSync(join(docs, 'limits.md'), 'utf8');
const dir = tempDir('docs');

/** `| key | default | …` as key to default. */
const rows = new Map([...config.matchAll(/^\| `([a-z0-9_.*]+)` \| (.*?) \|/gm)].map(([, key, value]) => [key, value]));

describe('docs/config.md', () => {
  it('has each setting with its default', async () => {
    const { explained } = await inspect(dir, { uid: 0 });
    for (const { key, value } of explained.filter((one) => !one.key.startsWith('limits.'))) {
      const shown = rows.get(key);
      expect([key, shown !== undefined]).toEqual([key, true]);
      if (value !== '' && shown?.startsWith('`')) expect([key, shown]).toEqual([key, `\`${value}\``]);
    }
    const keys = new Set(explained.map(({ key }) => key));
    expect([...rows.keys()].filter((key) => key !== 'limits.*' && !keys.has(key as string))).toEqual([]);
  });

  it('names the flag of each setting that has one', () => {
    for (const [key, flag] of FLAG_NAMES)
      expect(config).toMatch(new RegExp(`\`${key.replace('.', '\\.')}\`.*Flag \`${flag}\``));
  });

  it('shows an example that is valid', async () => {
    const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(config) ?? [];
    const { problems } = await inspect(dir, { yaml: yaml as string });
    expect(process.getuid!() === 0 ? problems : []).toEqual([]);
  });
});

describe('docs/limits.md', () => {
  it.each(LIMITS.map((limit) => [limit.key, limit] as const))(
    'I9: has %s with its default and bounds',
    (key, limit) => {
      const show = (n: number): string =>
        limit.unit === 'duration' ? formatDuration(n) : n.toLocaleString('en-US').replaceAll(',', ' ');
      expect(limits).toContain(
        `| \`${key}\` | ${show(limit.fallback)} | ${show(limit.min)} to ${show(limit.max)} | ${limit.what} |`,
      );
    },
  );
});
