// SPDX-License-Identifier: Apache-2.0
/** `docs/plugins.md` says what is so: its module runs, its configuration is valid, its bounds are those of the code. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PLUGIN_BOUNDS } from '../../src/plugins/bounds.ts';
import { inspect, PLACES } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(top, 'docs/plugins.md'), 'utf8');
const block = (language: string, at = 0): string =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))][at]?.[1] as string;
const dir = tempDir('docs');
const folder = join(dir, 'shifts');
mkdirSync(folder);
writeFileSync(join(folder, 'attestor.js'), block('js'), { mode: 0o644 });
writeFileSync(join(folder, 'package.json'), block('json'), { mode: 0o644 });

describe('docs/plugins.md', () => {
  it('shows a module that runs with the configuration beside it', async () => {
    const yaml = block('yaml').replaceAll('/etc/assay/shifts', folder);
    const { config, problems } = await inspect(dir, { yaml: `${PLACES}${yaml}` });
    expect(problems).toEqual([]);
    const [plugin] = config.attestors.plugins;
    expect(plugin).toMatchObject({ name: 'shifts', kind: 'module' });
    const load = (shifts: object) => {
      const program = join(import.meta.dirname, 'programs/load-module.ts');
      const args = ['--no-warnings', program, join(folder, 'attestor.js'), JSON.stringify(shifts)];
      return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as object;
    };
    expect(load(plugin?.config as object)).toMatchObject({
      answer: { applies: false, reason: 'uid 1000 works in no shift' },
    });
    expect(load({ night: [1000] })).toMatchObject({ answer: { applies: true, selectors: [{ value: 'shift:night' }] } });
  });

  it('shows sections of a command and of a socket with the keys that there are', async () => {
    for (const at of [1, 2]) {
      const { problems } = await inspect(dir, { yaml: `${PLACES}${block('yaml', at)}`, uid: 0 });
      // The programs and folders of the page are not on this machine; nothing else may be wrong.
      const others = problems.filter(({ message }) => !/does not exist|has no account here/.test(message));
      expect(others.map(({ message }) => message)).toEqual([]);
    }
  });

  it.each([
    `| kinds | ${PLUGIN_BOUNDS.kinds}, of ${PLUGIN_BOUNDS.kindBytes} bytes |`,
    `| selectors of one answer | ${PLUGIN_BOUNDS.selectors}, of`,
    `| facts | ${PLUGIN_BOUNDS.facts}, of 2 048 bytes or ${PLUGIN_BOUNDS.factItems} items |`,
    `| kinds left out, grounds | ${PLUGIN_BOUNDS.leftOut} of each`,
    `| \`goodForMs\` | at least ${PLUGIN_BOUNDS.leastGoodForMs} |`,
    `passed on every ${PLUGIN_BOUNDS.changesEveryMs} ms`,
    `| a message of a process | ${PLUGIN_BOUNDS.messageBytes >> 10} KiB |`,
  ])('I9: says %s', (line) => {
    expect(page).toContain(line);
    expect([PLUGIN_BOUNDS.textBytes, PLUGIN_BOUNDS.grounds, PLUGIN_BOUNDS.changes]).toEqual([2_048, 64, 1_024]);
  });
});
