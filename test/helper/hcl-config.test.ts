// SPDX-License-Identifier: Apache-2.0
/** spiffe-helper's configurations mean here what they mean there. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseHcl } from '../../src/helper/hcl.ts';
import { splitArgs } from '../../src/helper/hcl-args.ts';
import { readHclSettings } from '../../src/helper/hcl-config.ts';
import { goInteger } from '../../src/helper/hcl-values.ts';
import type { HelperSettings } from '../../src/helper/settings.ts';

const museum = resolve(import.meta.dirname, '../vectors/hcl');
const X509 = 'svid_file_name = "c.pem"\nsvid_key_file_name = "k.pem"\nsvid_bundle_file_name = "b.pem"\n';

function settings(text: string, env: Readonly<Record<string, string>> = {}): HelperSettings {
  const place = { file: 'helper.conf', env: new Map(Object.entries(env)), workingFolder: '/srv' };
  return readHclSettings(parseHcl(text, 'helper.conf'), place);
}
const ofMuseum = (name: string): HelperSettings => settings(readFileSync(join(museum, name), 'utf8'));

describe('a configuration of spiffe-helper', () => {
  it('has its defaults', () => {
    const { socket, once, outputs, supervise, health } = settings(X509);
    expect(socket).toBe('unix:///tmp/spire-agent/public/api.sock');
    expect({ once, supervise, health }).toEqual({ once: false, supervise: undefined, health: undefined });
    expect(outputs).toHaveLength(1);
    expect(outputs[0]).toMatchObject({
      folder: '/srv',
      modes: { cert: 0o644, key: 0o600, jwt: 0o600, jwtBundle: 0o600 },
      pick: { spiffeId: undefined, hint: undefined },
      x509: { intermediatesInBundle: false, federatedBundles: false, omitExpired: false },
    });
    expect(outputs[0].x509?.files).toMatchObject({ cert: 'c.pem', key: 'k.pem', bundle: 'b.pem' });
  });

  it('finds the socket: the key, then the variable, then the default', () => {
    const env = { SPIFFE_ENDPOINT_SOCKET: 'unix:///run/v.sock' };
    expect(settings(`agent_address = "/run/a.sock"\n${X509}`, env).socket).toBe('unix:///run/a.sock');
    expect(settings(X509, env).socket).toBe('unix:///run/v.sock');
    expect(settings(X509, { SPIFFE_ENDPOINT_SOCKET: '/run/w.sock' }).socket).toBe('unix:///run/w.sock');
  });

  it('has cmd started with the first certificate, signalled at a renewal and started again then when it has ended', () => {
    const { supervise } = ofMuseum('ghostunnel.conf');
    expect(supervise).toMatchObject({ restart: 'on-change', signal: 'SIGUSR1' });
    expect(supervise?.command.slice(0, 4)).toEqual(['ghostunnel', 'server', '--listen', 'localhost:8002']);
    expect(ofMuseum('mysql.conf').supervise).toMatchObject({
      command: ['/usr/bin/mysql', '-e', 'ALTER INSTANCE RELOAD TLS;'],
      signal: undefined,
    });
    expect(ofMuseum('plain.conf').supervise).toBeUndefined();
  });

  it('has tokens and the JWT bundle apart from the certificates, whose changes alone are told', () => {
    const { outputs, supervise } = ofMuseum('tokens.conf');
    expect(outputs.map(({ name }) => name)).toEqual(['svid', 'jwt']);
    const audiences = ['your-audience', 'your-extra-audience-1', 'your-extra-audience-2'];
    expect(outputs[1]?.tokens).toEqual([{ file: 'jwt_svid.token', audiences }]);
    expect(outputs[1]?.jwtBundle).toEqual({ file: 'jwt_bundle.json', trustDomain: undefined });
    expect(outputs[0].x509?.intermediatesInBundle).toBe(true);
    expect([...(supervise?.outputs ?? [])]).toEqual(['svid']);
  });

  it('reads modes as Go reads numbers, and says so of decimal ones', () => {
    expect(settings(`${X509}key_file_mode = 0440\ncert_file_mode = "0x1a4"`).outputs[0].modes).toMatchObject({
      key: 0o440,
      cert: 0o644,
    });
    const { outputs, warnings } = ofMuseum('tokens.conf');
    expect(outputs[0].modes.key).toBe(0o674);
    expect(warnings).toContain(
      'key_file_mode = 444 is a decimal number: the mode is 0674. Write 0444 if that was meant',
    );
    expect(settings(`${X509}key_file_mode = 0`).outputs[0].modes.key).toBe(0o600);
  });

  it('may want everything once and nothing told', () => {
    const { once, outputs, supervise, warnings } = settings(`daemon_mode = false\ncmd = "x"\n${X509}`);
    expect({ once, supervise }).toEqual({ once: true, supervise: undefined });
    expect(warnings).toEqual(['cmd "x" is not run: daemon_mode is false']);
    expect(outputs[0].actions.signal).toBeUndefined();
    expect(ofMuseum('k8s-once.conf')).toMatchObject({ once: true });
  });

  it('signals a pid from a file', () => {
    const { outputs } = settings(`pid_file_name = "run/x.pid"\nrenew_signal = "SIGHUP"\n${X509}`);
    expect(outputs[0].actions.signal).toEqual({ pidFile: '/srv/run/x.pid', signal: 'SIGHUP' });
  });

  it('has a health listener at all addresses, when it is switched on', () => {
    expect(settings(`health_checks { bind_port = 1 }\n${X509}`).health).toBeUndefined();
    const { health } = settings(`health_checks { listener_enabled = true }\n${X509}`);
    expect(health).toMatchObject({ address: undefined, port: 8081, livePath: '/live', readyPath: '/ready' });
  });

  it.each([
    [
      'an unknown key',
      `${X509}svid_filename = "x"`,
      /svid_filename \(helper.conf:4\): is no key/,
      'did you mean svid_file_name?',
    ],
    [
      'a key of older versions',
      `agentAddress = "/x"\n${X509}`,
      /agentAddress \(helper.conf:1\)/,
      'did you mean agent_address?',
    ],
    [
      'an unknown key of a token',
      `${X509}jwt_svids = [{jwt_audience="a", jwt_svid_file_name="t", foo="b"}]`,
      /jwt_svids\[0\]\.foo/,
      undefined,
    ],
    ['one name of three', 'svid_file_name = "c.pem"', /svid_key_file_name.*required/, undefined],
    ['nothing to write', 'cert_dir = "x"', /nothing is to be written/, undefined],
    [
      'a token without audience',
      'jwt_svids = [{jwt_svid_file_name="t"}]',
      /jwt_svids\[0\]\.jwt_audience.*required/,
      undefined,
    ],
    [
      'a token without a file',
      'jwt_svids = [{jwt_audience="t"}]',
      /jwt_svids\[0\]\.jwt_svid_file_name.*required/,
      undefined,
    ],
    ['a pid file without a signal', `${X509}pid_file_name = "x"`, /pid_file_name.*needs renew_signal/, undefined],
    [
      'a pid file with one shot',
      `${X509}pid_file_name = "x"\nrenew_signal="SIGHUP"\ndaemon_mode=false`,
      /pid_file_name.*daemon_mode/,
      undefined,
    ],
    ['no signal', `${X509}renew_signal = "HUP"`, /renew_signal.*is no signal/, undefined],
    ['a file elsewhere', X509.replace('k.pem', '../k.pem'), /svid_key_file_name.*no file name/, undefined],
    ['a mode beyond all modes', `${X509}key_file_mode = 01777`, /key_file_mode.*no file mode/, undefined],
    [
      'a broken argument',
      String.raw`cmd = "x"${'\n'}cmd_args = "\"a b"${'\n'}${X509}`,
      /cmd_args.*does not end/,
      undefined,
    ],
    ['tokens in a block, as there', `${X509}jwt_svids { jwt_audience = "a" }`, /jwt_svids.*is no list/, undefined],
    ['an unknown key of the health page', `${X509}health_checks { port = 1 }`, /health_checks\.port/, undefined],
    ['text for a flag', `${X509}omit_expired = "true"`, /omit_expired.*neither true nor false/, undefined],
  ])('is refused for %s', (_what, text, message, hint) => {
    expect(() => settings(text)).toThrow(message);
    if (hint !== undefined) expect(() => settings(text)).toThrow(expect.objectContaining({ hint }));
  });
});

describe('cmd_args', () => {
  it.each([
    ['', []],
    ['a b', ['a', 'b']],
    ['a  b', ['a', '', 'b']],
    ['"a b" c', ['a b', 'c']],
    ['"a ""b"" c"', ['a "b" c']],
    [`-c 'echo hello world'`, ['-c', `'echo`, 'hello', `world'`]],
    ['a ', ['a', '']],
    ['-e "SELECT 1;"', ['-e', 'SELECT 1;']],
    ['first\nsecond', ['first']],
  ])('%j is split as encoding/csv splits it', (text, args) => expect(splitArgs(text)).toEqual(args));

  it.each(['a"b', '"a', '"a"b', 'a "b" "c'])('%j is refused', (text) =>
    expect(splitArgs(text)).toHaveProperty('refusal'),
  );

  it('has every argument back that was quoted', () => {
    const argument = fc.string().filter((one) => !/[\r\n]/.test(one));
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1 }), (args) => {
        const text = args.map((one) => `"${one.replaceAll('"', '""')}"`).join(' ');
        expect(splitArgs(text)).toEqual(args);
      }),
    );
  });
});

describe('an integer of Go', () => {
  it.each([
    ['0644', 0o644],
    ['644', 644],
    ['0o17', 15],
    ['0x1A', 26],
    ['0b11', 3],
    ['0', 0],
    ['-5', -5],
    ['089', undefined],
    ['1_000', undefined],
    ['1.5', undefined],
    ['', undefined],
  ])('%s', (text, value) => expect(goInteger(text)).toBe(value));
});
