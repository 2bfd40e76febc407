// SPDX-License-Identifier: Apache-2.0
/** `attestors.NAME` of attestors that others wrote. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { inspect, PLACES } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('config');
writeFileSync(join(dir, 'mine.js'), '', { mode: 0o644 });
const read = (attestors: string) => inspect(dir, { yaml: `${PLACES}attestors: ${attestors}\n` });

describe('a plugin in the configuration', () => {
  it('has a name, a module relative to the file, and what else it is given', async () => {
    const { config, problems, explained } = await read(
      '{ unix: {}, mine: { module: ./mine.js, config: { a: [1, "b"], __proto__: { x: true } } } }',
    );
    expect(problems).toEqual([]);
    const [plugin] = config.attestors.plugins;
    expect(plugin).toMatchObject({ name: 'mine', module: join(dir, 'mine.js'), strength: 'authority' });
    expect(JSON.stringify(plugin?.config)).toBe('{"a":[1,"b"],"__proto__":{"x":true}}');
    expect(Object.getPrototypeOf(plugin?.config)).toBeNull();
    expect(explained.find(({ key }) => key === 'attestors.mine.module')?.source).toMatch(/assay\.yaml:3/);
  });

  it('may run alone, and be held to what is claimed', async () => {
    const { config, problems } = await read('{ mine: { module: ./mine.js, strength: claimed } }');
    expect(problems).toEqual([]);
    expect(config.attestors).toMatchObject({ unix: undefined, plugins: [{ strength: 'claimed' }] });
  });

  it('may be a command, whose paths start at the file, under a uid of its own', async () => {
    const { config, problems, explained } = await read(
      '{ mine: { command: [/usr/bin/env, python3, ./mine.js, -v, "7"], uid: 1001, config: {} } }',
    );
    expect(process.getuid?.() === 0 ? problems : []).toEqual([]);
    if (process.getuid?.() !== 0) return;
    const command = ['/usr/bin/env', 'python3', join(dir, 'mine.js'), '-v', '7'];
    expect(config.attestors.plugins).toMatchObject([{ kind: 'command', command, uid: 1001, gid: undefined }]);
    expect(explained.find(({ key }) => key === 'attestors.mine.uid')?.value).toBe('1001');
  });

  it('may be a socket, of a uid', async () => {
    const { config } = await read(`{ mine: { socket: ${dir}/mine.sock, uid: 5 } }`);
    expect(config.attestors.plugins).toMatchObject([{ kind: 'socket', socket: join(dir, 'mine.sock'), uid: 5 }]);
  });

  it('runs as another uid only where the daemon is root, and the group is known', async () => {
    const command = 'attestors: { mine: { command: [/usr/bin/env], uid: 4242 } }\n';
    const asRoot = await inspect(dir, { yaml: `${PLACES}${command}`, uid: 0 });
    expect(asRoot.problems).toMatchObject([{ field: 'attestors.mine.uid (assay.yaml:3)', hint: 'give gid, too' }]);
    const asOther = await inspect(dir, { yaml: `${PLACES}${command}`, uid: process.getuid!() || 4_000 });
    expect(asOther.problems.map(({ message }) => message).join()).toMatch(
      /only root may start a program as another|CONFIG_FILE/,
    );
  });

  it('A13: is no command whose program or script others could change', async () => {
    const script = join(dir, 'loose.py');
    writeFileSync(script, '');
    chmodSync(script, 0o666);
    for (const command of ['[./loose.py]', '[/usr/bin/env, python3, ./loose.py]']) {
      const { problems } = await read(`{ mine: { command: ${command} } }`);
      expect(problems).toMatchObject([
        { field: 'attestors.mine.command (assay.yaml:3)', hint: `chmod go-w ${script}` },
      ]);
    }
  });

  it('A13: is none when others could change it', async () => {
    const folder = join(dir, 'open');
    mkdirSync(folder);
    writeFileSync(join(folder, 'mine.js'), '');
    chmodSync(folder, 0o777);
    const { problems } = await read('{ mine: { module: ./open/mine.js } }');
    expect(problems).toMatchObject([{ field: 'attestors.mine.module (assay.yaml:3)', hint: `chmod go-w ${folder}` }]);
  });

  it('I10: has its configuration kept out of what is shown', async () => {
    const { explained } = await read('{ mine: { module: ./mine.js, config: { password: hunter2 } } }');
    expect(JSON.stringify(explained)).not.toContain('hunter2');
  });

  it.each(['unix', 'docker', 'k8s', 'systemd', 'launcher', 'script'])(
    'A13: never speaks under the name %s',
    async (name) => {
      const { config, problems } = await read(`{ ${name}: { module: ./mine.js } }`);
      expect(problems).not.toEqual([]);
      expect(config.attestors.plugins).toEqual([]);
    },
  );

  it.each(['"a-b"', '"A"', '"a:b"', '"a.b"', '""', 'x'.repeat(33)])('A13: is not called %s', async (name) => {
    const { problems } = await read(`{ ${name}: { module: ./mine.js } }`);
    expect(problems).not.toEqual([]);
  });
});
