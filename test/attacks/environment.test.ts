// SPDX-License-Identifier: Apache-2.0
/** Whoever sets a variable for root (sudo -E, a kept environment) must not thereby run code as root. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { top } from '../support/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

const base = tempDir('env');

const assay = (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
  spawnSync(join(top, 'bin/assay'), args, { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', ...env } });

it.each([
  ['NODE_COMPILE_CACHE', 'compiled code is read from there and run'],
  ['NODE_REDIRECT_WARNINGS', 'a file of root’s is written'],
  ['NODE_V8_COVERAGE', 'files of root’s are written'],
])('B1: %s of the caller is dropped: else %s', (name) => {
  const folder = join(base, name);
  mkdirSync(folder);
  const value = name === 'NODE_REDIRECT_WARNINGS' ? join(folder, 'warnings') : folder;
  const { status, stdout } = assay({ [name]: value, NODE_DEBUG_NATIVE: 'all' }, '--version');
  expect([status, stdout.trim()]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+$/)]);
  expect(readdirSync(folder)).toEqual([]);
});

it('B1: no variable makes gRPC print what it sends', () => {
  const socket = join(base, 'none.sock');
  const { stderr } = assay({ GRPC_TRACE: 'all', GRPC_VERBOSITY: 'DEBUG' }, 'health', '--admin-socket', socket);
  expect(stderr).toContain('no daemon');
  expect(stderr).not.toContain('resolving');
});

it('B1: a variable that names code for the linker or for OpenSSL reaches no program that bin/assay starts', () => {
  const { status, stderr } = assay(
    { OPENSSL_CONF: '/nowhere/openssl.cnf', OPENSSL_MODULES: '/nowhere', GLIBC_TUNABLES: 'x', LD_BIND_NOW: '1' },
    '--version',
  );
  expect([status, stderr]).toEqual([0, '']);
});
