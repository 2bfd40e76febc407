// SPDX-License-Identifier: Apache-2.0
/** docs/conformance.md and docs/threat-model.md say of each row, attack and invariant what the tests say. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { faults } from '../../tools/conformance/page.ts';
import { pages } from '../../tools/conformance/pages.ts';
import { parseRows, readRows } from '../../tools/conformance/rows.ts';
import { parseThreats, readThreats, threatFaults } from '../../tools/conformance/threats.ts';
import { idsIn, ROW, THREAT } from '../../tools/conformance/titles.ts';
import { top } from './sources.ts';

const { written, wrong } = pages(top);
const found = (code: string, kind = ROW): string[] => [...idsIn(code, kind)];

describe('what the pages say', () => {
  it('has a test where it holds, and titles name nothing else', () => {
    expect(wrong).toEqual([]);
  });

  it.each([...written])('stands in %s: tools/node/run tools/conformance.ts writes it', (file, text) => {
    expect(readFileSync(join(top, file), 'utf8')).toBe(text);
  });

  it('names files that exist', () => {
    const links = [...written].flatMap(([file, text]) =>
      [...text.matchAll(/\]\(([^)#]+)/g)].map((m) => ({ file, to: m[1] })),
    );
    expect(links.filter(({ file, to }) => !existsSync(join(top, dirname(file), to ?? '')))).toEqual([]);
    expect(links.length).toBeGreaterThan(100);
  });
});

describe('the conformance rows', () => {
  it('are all there', () => {
    const sections = readRows();
    const counts = sections.map(({ area, rows }) => `${area} ${rows.length}`).join(' ');
    expect(counts).toBe('ID 19 X509 31 JWT 20 WIT 19 BUN 19 WEP 20 WAPI 39 BRE 12 BRK 19 FED 28 SDS 18 AMB 10 CLI 26');
    for (const { area, rows } of sections) {
      const numbers = rows.map((_, at) => `${area}-${String(at + 1).padStart(2, '0')}`);
      expect(rows.map((row) => row.id)).toEqual(numbers);
    }
  });

  it('without a test are reported, and so are rows that a title invents', () => {
    const rows = parseRows('# ID: IDs\nID-01 | MUST | a\nID-02 | MUST | b\nID-03 | MUST | c | later\n');
    expect(
      faults(
        rows,
        new Map([
          ['ID-01', ['test/a.test.ts']],
          ['ID-09', ['test/a.test.ts']],
        ]),
      ),
    ).toEqual(['ID-02 has no test: b', 'ID-09 is no row, but a title in test/a.test.ts names it']);
  });

  it.each([
    ['of another area', '# ID: IDs\nJWT-01 | MUST | a\n'],
    ['of no strength', '# ID: IDs\nID-01 | a\n'],
    ['that stands twice', '# ID: IDs\nID-01 | MUST | a\nID-01 | MUST | b\n'],
    ['before any heading', 'ID-01 | MUST | a\n'],
  ])('refuse a line %s', (_name, text) => {
    expect(() => parseRows(text)).toThrow(/line \d/);
  });
});

describe('the threat model', () => {
  it('has every attack and invariant', () => {
    const counts = readThreats().map(({ threats }) => threats.length);
    expect(counts).toEqual([13, 8, 5, 10]);
  });

  it('reports what has no test, and what a title invents', () => {
    const threats = parseThreats('# A: Who\nA1 | a | b\nA2 | a | b | later\n# I: Always\nI1 | c\n');
    expect(
      threatFaults(
        threats,
        new Map([
          ['A1', ['test/a.test.ts']],
          ['A9', ['test/a.test.ts']],
        ]),
      ),
    ).toEqual([
      'A2 has no test',
      'I1 has no test',
      'A9 is nothing in the threat model, but a title in test/a.test.ts names it',
    ]);
  });

  it('refuses a line out of order', () => {
    expect(() => parseThreats('# A: Who\nA2 | a | b\n')).toThrow('line 2');
    expect(() => parseThreats('# A: Who\nA1 | a\n')).toThrow('line 2');
  });
});

describe('a test names a row', () => {
  it('or an attack, or an invariant', () => {
    expect(found("it('A10, I3 B5: a PC-A4 and an A4-b', () => {});", THREAT)).toEqual(['A10', 'I3', 'B5']);
  });

  it.each([
    ['with its title', "it('ID-01: a', () => {});", ['ID-01']],
    ['with several', "it('ID-01, X509-02 WAPI-03: a', () => {});", ['ID-01', 'X509-02', 'WAPI-03']],
    ['at the end of a title', "describe('a thing (BUN-02)', () => {});", ['BUN-02']],
    ['with a title made of parts', 'it(`WEP-02: $' + '{method} is refused`, () => {});', ['WEP-02']],
    ['under a table', "it.each(['a', 'b'])('CLI-09: %s', () => {});", ['CLI-09']],
    [
      'in a table',
      "it.each([\n['CLI-05', 'a key', `it's`],\n['CLI-06: b'],\n])('%s', () => {});",
      ['CLI-05', 'CLI-06'],
    ],
    ['with a test of another name', "asRoot('WEP-05: two uids', () => {});", ['WEP-05']],
  ])('%s', (_name, code, rows) => {
    expect(found(code)).toEqual(rows);
  });

  it.each([
    ['in a comment', '// ID-01: it holds\n/* ID-02 */\nf();'],
    ['in a comment after a quote', "expect(text).toMatch(/don't/);\n// it's 'ID-01'\n"],
    ['in a skipped test', "it.skip('ID-01: a', () => {});\nit.todo('ID-02: b');"],
    ['in a text that only mentions it', "expect(message).toContain('see ID-01');"],
    ['in a word that looks like it', "it('an X.509-SVID and a JWT-SVID', () => {});"],
  ])('but not %s', (_name, code) => {
    expect(found(code)).toEqual([]);
  });
});
