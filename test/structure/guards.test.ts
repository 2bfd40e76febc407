// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findGuards } from '../../tools/guards/tree.ts';

const top = resolve(import.meta.dirname, '../..');
let tree: string;

const sum = `// SPDX-License-Identifier: Apache-2.0
export function half(n: number): number {
  // guard: A1 test/sum.test.ts — tested
  if (n < 0) throw new Error('negative');
  // guard: A2 test/sum.test.ts — tested by nobody
  if (n > 1e9) throw new Error('too much');
  // guard: A3 test/sum.test.ts — a declaration proves nothing
  const two = 2;
  return n / two;
}
`;
const sumTest = `import { expect, it } from '@jest/globals';
import { half } from '../src/sum.ts';
it('halves', () => expect(half(4)).toBe(2));
it('refuses less than nothing', () => expect(() => half(-1)).toThrow('negative'));
`;

function put(path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), text);
}

describe('the markers of this tree', () => {
  it('are each above a statement that can be removed, and name a test file that is there', () => {
    const { guards, bad } = findGuards(top);
    expect(bad.map((marker) => `${marker.file}:${marker.line} ${marker.reason}`)).toEqual([]);
    expect(guards.length).toBeGreaterThan(900);
  });
});

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'assay-guard-fixture-'));
  put('package.json', '{ "type": "module" }');
  put('src/sum.ts', sum);
  put('test/sum.test.ts', sumTest);
  put('docs/threat-model.md', 'before\n<!-- guards:begin -->\nold\n<!-- guards:end -->\nafter\n');
  for (const file of ['jest.config.js', 'tools/node/run']) cpSync(join(top, file), join(tree, file));
  symlinkSync(join(top, 'node_modules'), join(tree, 'node_modules'));
});

afterEach(() => rmSync(tree, { recursive: true, force: true }));

function guards(...flags: string[]): Promise<{ code: number; output: string }> {
  const args = [join(top, 'tools/guards.ts'), '--top', tree, '--jobs', '1', ...flags];
  return new Promise((done) => {
    execFile(process.execPath, args, { encoding: 'utf8' }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });
}

describe('npm run guards', () => {
  it('passes a guard whose removal turns a test red', async () => {
    const { code, output } = await guards('--only', 'A1');
    expect(output).toContain('red: 1 test(s), first "refuses less than nothing"');
    expect(code).toBe(0);
  });

  it('fails a guard that nobody would miss', async () => {
    const { code, output } = await guards('--only', 'A2');
    expect(output).toMatch(/FAILED +A2 .*\n +green/);
    expect(code).toBe(1);
  });

  it('fails a guard whose removal only breaks the code', async () => {
    const { code, output } = await guards('--only', 'A3');
    expect(output).toContain('broken, which proves nothing');
    expect(code).toBe(1);
  });

  it('fails a guard whose test file is red as it stands', async () => {
    put('test/sum.test.ts', sumTest.replace('toBe(2)', 'toBe(3)'));
    const { code, output } = await guards('--only', 'A1');
    expect(output).toContain('before anything is removed');
    expect(code).toBe(1);
  });

  it('starts none when its time is over, says how many are left, and does not call that a pass', async () => {
    const { code, output } = await guards('--only', 'A1', '--within', '0');
    expect(output).toContain('1 not tried');
    expect(code).toBe(1);
  });

  it('fails a marker whose test file does not exist', async () => {
    put('src/b.ts', '// guard: A4 test/gone.test.ts\nb();\n');
    const { code, output } = await guards('--list');
    expect(output).toMatch(/BAD +src\/b\.ts:2 +test\/gone\.test\.ts does not exist/);
    expect(code).toBe(1);
  });

  it('leaves the tree as it was and writes the table where it belongs', async () => {
    await guards('--only', 'A1', '--table');
    expect(readFileSync(join(tree, 'src/sum.ts'), 'utf8')).toBe(sum);
    const page = readFileSync(join(tree, 'docs/threat-model.md'), 'utf8');
    expect(page).toMatch(/^before\n<!-- guards:begin -->\n\| closes .*\n[\s\S]*\n<!-- guards:end -->\nafter\n$/);
    expect(page).toContain('| A1 | src/sum.ts | test/sum.test.ts | tested |');
    expect(page).not.toContain('old');
  });
});
