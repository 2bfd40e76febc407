// SPDX-License-Identifier: Apache-2.0
/** The tarball of `npm pack` in an empty folder, on each Node that docs/install.md names: 22 (the oldest of it), 24 and 26. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon, top } from '../support/daemon.ts';

const work = mkdtempSync(join(tmpdir(), 'assay-nodes-'));
const nodes = join(work, 'nodes');
const tarball = () => join(work, readdirSync(work).find((name) => name.endsWith('.tgz')) as string);
const pinned = JSON.parse(readFileSync(join(import.meta.dirname, 'nodes/package.json'), 'utf8')) as {
  optionalDependencies: Record<string, string>;
};
const quiet = ['--ignore-scripts', '--no-audit', '--no-fund'];

beforeAll(() => {
  const npm = (cwd: string, ...args: string[]) =>
    execFileSync('npm', args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  cpSync(join(import.meta.dirname, 'nodes'), nodes, { recursive: true });
  npm(nodes, 'ci', ...quiet);
  npm(top, 'pack', '--silent', '--pack-destination', work);
}, 600_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

describe.each(['22', '24', '26'])('the package on Node %s', (line) => {
  const home = join(work, `on-${line}`);
  const bin = join(work, `bin-${line}`);
  const node = join(bin, 'node');
  const env = { ...process.env, PATH: `${bin}:/usr/bin:/bin` };
  const inHome = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd: home, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'inherit'] });
  const assay = join(home, 'node_modules/.bin/assay');

  beforeAll(() => {
    mkdirSync(bin);
    symlinkSync(join(nodes, `node_modules/node-${line}-${arch()}/bin/node`), node);
    mkdirSync(home);
    // This machine's npm, run by that Node.
    const npm = realpathSync(execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim());
    inHome(node, npm, 'install', ...quiet, tarball());
  }, 300_000);

  it('is on the very version that is pinned', () => {
    const [, version] = (pinned.optionalDependencies[`node-${line}-${arch()}`] as string).split('@');
    expect(inHome(node, '--version').trim()).toBe(`v${version}`);
  });

  it('installs into an empty folder and says its version', () => {
    expect(inHome(assay, '--version')).toMatch(/^0\.1\.0\n/);
  });

  it('runs the daemon, and fetches X.509-SVIDs and tokens of it, by command and by assay/client', async () => {
    const daemon = await Daemon.start({ command: [assay], env: { PATH: env.PATH } });
    try {
      expect(realpathSync(`/proc/${daemon.pid}/exe`)).toBe(realpathSync(node));
      const id = `spiffe://example.org/on-${line}`;
      const entry = ['--spiffe-id', id, '--selector', `unix:uid:${process.getuid?.()}`];
      inHome(assay, 'entry', 'create', ...entry, '--admin-socket', daemon.adminSocket);
      const at = ['--socket', daemon.endpoint];
      expect(inHome(assay, 'fetch', 'x509', ...at)).toContain(id);
      expect(inHome(assay, 'fetch', 'jwt', '--audience', 'orders', ...at)).toContain(id);
      const program = `
        import { X509Source } from 'assay/client';
        const source = await X509Source.open({ socket: process.argv[1] });
        console.log(String(source.svid().spiffeId));
        source.close();`;
      expect(inHome(node, '--input-type=module', '-e', program, daemon.endpoint).trim()).toBe(id);
      expect(inHome(assay, 'doctor', '--output', 'json', '--admin-socket', daemon.adminSocket)).not.toContain('"fail"');
    } finally {
      await daemon.close();
    }
  });
});
