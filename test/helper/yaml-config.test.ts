// SPDX-License-Identifier: Apache-2.0
/** The helper's own configuration: what it says, and how a mistake in it is told. */
import { describe, expect, it } from '@jest/globals';
import { parseYamlTree } from '../../src/config/yaml-tree.ts';
import type { HelperSettings } from '../../src/helper/settings.ts';
import { readYamlSettings } from '../../src/helper/yaml-config.ts';

const names = {
  uid: async (name: string) => (name === 'web' ? 33 : undefined),
  gid: async (name: string) => (name === 'tls' ? 34 : undefined),
};
const settings = (text: string): Promise<HelperSettings> =>
  readYamlSettings(parseYamlTree(text, 'h.yaml'), 'h.yaml', names);
const output = (more: string, x509 = '{ cert: c, key: k }'): string =>
  `outputs:\n  - { name: web, folder: /out, x509: ${x509}${more} }\n`;

describe('a configuration of the helper', () => {
  it('says what goes where', async () => {
    const read = await settings(`
socket: unix:///run/x.sock
health: { port: 9000, socket: /run/h.sock }
supervise: { command: [nginx, -g, daemon off;], signal: SIGHUP, restart: on-failure, stop_timeout: 5s, env: { A: b } }
outputs:
  - name: web
    folder: /etc/web/tls/
    spiffe_id: spiffe://example.org/web
    owner: web
    group: tls
    key_mode: 0640
    x509: { cert: c, key: k }
    jwt: [{ file: t, audience: one }, { file: u, audience: [one, two] }]
    jwt_bundle: jwks.json
    spiffe_bundle: bundle.json
    signal: { pid_file: /run/x.pid }
    run: { command: [systemctl, reload, x], timeout: 10s }
`);
    expect(read).toMatchObject({
      socket: 'unix:///run/x.sock',
      once: false,
      health: { address: '127.0.0.1', port: 9000, socket: '/run/h.sock', livePath: '/live', readyPath: '/ready' },
      supervise: {
        command: ['nginx', '-g', 'daemon off;'],
        signal: 'SIGHUP',
        restart: 'on-failure',
        stopTimeoutMs: 5_000,
      },
    });
    const [web] = read.outputs;
    expect(web).toMatchObject({
      folder: '/etc/web/tls',
      owner: { uid: 33, gid: 34 },
      modes: { cert: 0o644, key: 0o640, jwt: 0o600, jwtBundle: 0o644 },
      tokens: [
        { file: 't', audiences: ['one'] },
        { file: 'u', audiences: ['one', 'two'] },
      ],
      actions: { signal: { pidFile: '/run/x.pid', signal: 'SIGHUP' }, run: { timeoutMs: 10_000 } },
    });
    expect(`${web.pick.spiffeId} ${web.jwtBundle?.trustDomain?.name}`).toBe('spiffe://example.org/web example.org');
  });

  it('takes numbers for owners as well', async () => {
    const { outputs } = await settings(output(', owner: 1000, group: 1000'));
    expect(outputs[0].owner).toEqual({ uid: 1000, gid: 1000 });
  });

  it('opens no port for health unless told to', async () => {
    expect((await settings(output(''))).health).toBeUndefined();
    expect((await settings(`${output('')}health: { socket: /run/h }`)).health?.port).toBeUndefined();
    expect((await settings(`${output('')}health: { address: 127.0.0.1 }`)).health?.port).toBe(8081);
  });

  it.each([
    ['no output', 'socket: unix:///x', /outputs .*is required/],
    ['an unknown key', output(', key_mod: 0600'), /outputs\[0\]\.key_mod \(h.yaml:2\): is no key/],
    ['a folder that is not absolute', output('').replace('/out', 'out'), /outputs\[0\]\.folder.*no absolute path/],
    ['a file elsewhere', output('', '{ cert: ../c, key: k }'), /x509\.cert.*no file name/],
    ['a name that is one of the helper’s own', output('', '{ cert: .assay-c, key: k }'), /x509\.cert.*no file name/],
    ['no file', output('', '{ omit_expired: true }'), /x509.*names no file/],
    ['a mode', output(', key_mode: 888'), /key_mode.*no file mode/],
    ['a mode with more than permissions', output(', key_mode: 4755'), /key_mode.*no file mode/],
    ['an owner', output(', owner: nobody-here'), /owner.*nobody on this machine/],
    ['both an ID and a hint', output(', spiffe_id: spiffe://a/b, hint: c'), /hint.*stands beside spiffe_id/],
    ['a SPIFFE ID', output(', spiffe_id: spiffe://A/b'), /spiffe_id/],
    ['PKCS#12 without a password', output('', '{ pkcs12: k.p12 }'), /password_file.*required/],
    ['a password for nothing', output('', '{ cert: c, key: k, password_file: /p }'), /password_file.*PKCS#12 alone/],
    ['a bundle of nobody', output(', jwt_bundle: j'), /jwt_bundle.*nothing names/],
    ['a signal', output(', signal: { pid_file: /p, signal: SIGKILL }'), /signal\.signal.*no signal/],
    ['a command that is no list', output(', run: { command: { a: b } }'), /run\.command.*no list/],
    ['a time', output(', run: { command: [a], timeout: soon }'), /run\.timeout.*no duration/],
    ['a file written twice', output('', '{ cert: c, key: c }'), /\/out\/c is written twice/],
    [
      'two outputs of one name',
      `${output('')}  - { name: web, folder: /b, x509: { cert: c, key: k } }`,
      /two outputs are called web/,
    ],
    ['a token without audience', output(', jwt: [{ file: t }]'), /jwt\[0\]\.audience.*required/],
    [
      'a restart',
      `${output('')}supervise: { command: [a], restart: sometimes }`,
      /restart.*not one of never, on-failure, always/,
    ],
    ['a port', `${output('')}health: { port: 70000 }`, /health\.port/],
  ])('is refused for %s', async (_what, text, message) => {
    await expect(settings(text)).rejects.toThrow(message);
  });

  it('tells all mistakes at once', async () => {
    const message = await settings('socket: 1\nfoo: 2\noutputs: [{ name: "", folder: out }]').catch(
      (error: Error) => error.message,
    );
    expect(message).toMatch(/outputs\[0\]\.name.*outputs\[0\]\.folder.*foo/s);
  });
});
