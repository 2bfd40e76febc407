// SPDX-License-Identifier: Apache-2.0
/** Modules named in the configuration, loaded by Node itself and not by the test runner. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { tempDir } from '../support/temp-dir.ts';

const program = join(import.meta.dirname, 'programs/load-module.ts');
const top = realpathSync(tempDir('modules'));
let made = 0;

function write(files: Readonly<Record<string, string>>): string {
  const folder = join(top, `module-${made++}`);
  for (const [name, text] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, name), text, { mode: 0o644 });
  }
  return folder;
}

function load(folder: string, config = 'null', file = 'attestor.js'): Readonly<Record<string, unknown>> {
  const args = ['--no-warnings', program, join(folder, file), config];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Record<string, unknown>;
}

const body = (look = '') => `({ name, config }) => ({
  name,
  kinds: new Map([['team', 'authority']]),
  attest: async (process) => {
    ${look}
    return { applies: true, selectors: [{ value: \`team:\${config?.team ?? process.uid}\`, strength: 'authority' }], facts: {}, leftOut: [] };
  },
})`;
const answering = (value: string) => ({ answer: { selectors: [{ value, strength: 'authority' }] } });

describe('a module of the configuration', () => {
  it.each([
    ['its default', `export default ${body()};`],
    ['createAttestor', `export const createAttestor = ${body()};`],
  ])('is an attestor by %s', (_what, text) => {
    expect(load(write({ 'attestor.js': text }))).toMatchObject(answering('team:1000'));
  });

  it('is handed its configuration', () => {
    expect(load(write({ 'attestor.js': `export default ${body()};` }), '{"team":"orders"}')).toMatchObject(
      answering('team:orders'),
    );
  });

  it('may be TypeScript, and made after a while', () => {
    const text = `export default async (setup: { name: string; config: any }) => (${body()})(setup);`;
    expect(load(write({ 'attestor.ts': text }), 'null', 'attestor.ts')).toMatchObject(answering('team:1000'));
  });

  it('may import its own files, also later', () => {
    const files = {
      'attestor.js': `import './lib/a.js'; export default ${body("await import('./lib/b.js');")};`,
      'lib/a.js': '',
      'lib/b.js': '',
    };
    expect(load(write(files))).toMatchObject(answering('team:1000'));
  });

  it.each(['attestor.js', 'lib/a.js', 'lib/b.js'])('A13: runs no %s that others can write', (file) => {
    const folder = write({
      'attestor.js': `import './lib/a.js'; export default ${body("await import('./lib/b.js');")};`,
      'lib/a.js': "import { createRequire } from 'node:module';",
      'lib/b.js': '',
    });
    chmodSync(join(folder, file), 0o666);
    expect(load(folder)).toMatchObject({
      reason: 'PLUGIN_UNSAFE',
      message: expect.stringContaining('others can write'),
    });
  });

  it('A13: runs nothing below a folder that others can write', () => {
    const folder = write({ 'in/attestor.js': `export default ${body()};` });
    chmodSync(folder, 0o777);
    expect(load(folder, 'null', 'in/attestor.js')).toMatchObject({
      reason: 'PLUGIN_UNSAFE',
      message: expect.stringContaining(`lies below ${JSON.stringify(folder)}`),
    });
  });

  it.each([
    ['cannot be parsed', 'export default (', /cannot be loaded/],
    ['imports what is not there', "import './absent.js';", /cannot be loaded/],
    ['exports nothing', 'export const attestor = 1;', /exports no function/],
    ['throws when it is made', "export default () => { throw new Error('no team'); };", /could not be made: "no team"/],
    ['makes nothing', 'export default () => undefined;', /without a method attest/],
    ['takes another name', "export default () => ({ name: 'unix', attest() {}, kinds: new Map() });", /calls itself/],
  ])('is refused when it %s', (_what, text, message) => {
    expect(load(write({ 'attestor.js': text }))).toMatchObject({
      reason: 'PLUGIN_INVALID',
      message: expect.stringMatching(message),
    });
  });
});
