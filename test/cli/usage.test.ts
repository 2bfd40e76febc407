// SPDX-License-Identifier: Apache-2.0
/** Wrong usage: exit 2, nothing on standard output, the flag named, the next thing to try. No daemon is asked. */
import { describe, expect, it } from '@jest/globals';
import { assay, assayHere } from '../support/cli.ts';

const CREATE = ['entry', 'create', '--spiffe-id', 'spiffe://example.org/a', '--selector', 'unix:uid:1'];

const ROWS: readonly (readonly [args: readonly string[], message: RegExp, next: RegExp])[] = [
  [[], /assay: needs a command/, /see: assay --help/],
  [['frob'], /unknown command 'frob'/, /see: assay --help/],
  [['entyr'], /unknown command 'entyr'/, /did you mean entry/],
  [['entry'], /assay entry: needs a command/, /see: assay entry --help/],
  [['entry', 'crate'], /unknown command 'crate'/, /did you mean create/],
  [['entry', 'create'], /--selector: is required/, /^$/],
  [['entry', 'create', '--selector', 'a:b'], /--spiffe-id: is required/, /^$/],
  [['entry', 'create', '--spife-id', 'x'], /unknown option '--spife-id'/, /did you mean --spiffe-id/],
  [[...CREATE, '--selectors', 'a:b'], /unknown option '--selectors'/, /did you mean --selector/],
  [[...CREATE, '--spiffe-id', 'b'], /--spiffe-id.*given twice/, /--help/],
  [[...CREATE, '--x509-ttl'], /--x509-ttl.*argument missing/, /--help/],
  [[...CREATE, '--x509-ttl', '5'], /--x509-ttl: "5" is no duration/, /90s, 15m/],
  [[...CREATE, '--x509-ttl', '1500ms'], /--x509-ttl.*no whole number of seconds/, /90s/],
  [[...CREATE, '--jwt-ttl', '-5m'], /--jwt-ttl: "-5m" is no duration/, /90s/],
  [[...CREATE, '--expires', 'tomorrow'], /--expires: "tomorrow" is neither a time nor a duration/, /2030-01-31/],
  [[...CREATE, '--expires', '2030-01-31'], /--expires.*neither a time/, /2030-01-31T/],
  [[...CREATE, '--expires', '2030-13-31T00:00:00Z'], /--expires.*neither a time/, /2030-01-31T/],
  [[...CREATE, '--identity-expires', '0s'], /--identity-expires.*is now/, /time to come/],
  [[...CREATE, '--label', 'novalue'], /--label: "novalue" is not of the form K=V/, /team=payments/],
  [[...CREATE, '--label', 'a=1', '--label', 'a=2'], /--label.*gives a label twice/, /once/],
  [[...CREATE, 'extra'], /too many arguments/, /--help/],
  [[...CREATE, '--output', 'xml'], /'xml' is invalid. Allowed choices are text, json/, /--help/],
  [[...CREATE, '--admin-socket', 'run/x.sock'], /--admin-socket: "run\/x.sock" is not an absolute path/, /whole path/],
  [[...CREATE, '--admin-socket', `/${'x'.repeat(120)}/a`], /--admin-socket.*has 123 bytes/, /shorter/],
  [['entry', 'update', 'x'], /changes nothing/, /--x509-ttl 30m/],
  [['entry', 'show'], /missing required argument 'id'/, /assay entry show --help/],
  [['entry', 'list', '--limit', '0'], /--limit: "0" is no whole number from 1/, /^$/],
  [['identity', 'suspend', 'spiffe://example.org/a'], /--reason: is required/, /^$/],
  [['identity', 'list', '--expiring', 'soon'], /--expiring: "soon" is neither/, /90d/],
  [['bundle', 'set'], /missing required argument 'trust-domain'/, /assay bundle set --help/],
  [['bundle', 'set', 'p.example', '--file', '/none/such'], /--file: "\/none\/such" does not exist/, /^$/],
  [['bundle', 'set', 'p.example'], /standard input: is empty/, /PEM/],
  [
    ['bundle', 'set', 'p.example', '--format', 'map'],
    /trust-domain: "p.example" is given beside a map/,
    /leave it out/,
  ],
  [['bundle', 'set', '--format', 'map', '--file', '/none/such'], /--file: "\/none\/such" does not exist/, /^$/],
  [['bundle', 'set', 'p.example', '--mode', 'delete'], /--mode: "delete" says something with --format map/, /^$/],
  [['bundle', 'set', '--format', 'maps'], /'maps' is invalid/, /--help/],
  [['bundle', 'list', '--format', 'map', '--limit', '3'], /--limit: "3" makes no whole map/, /leave it out/],
  [['bundle', 'show', '--format', 'der'], /'der' is invalid/, /--help/],
  [['bundle', 'delete', 'x', '--mode', 'all'], /'all' is invalid/, /--help/],
  [['ca', 'activate', '--nwo'], /unknown option '--nwo'/, /did you mean --now/],
  [['fetch', 'ssh'], /unknown command 'ssh'/, /--help/],
  [['fetch', 'x509', '--socket', '/run/a.sock'], /--socket "\/run\/a.sock": not a URI/, /unix:\/\/\/run\/a.sock/],
  [['fetch', 'x509', '--socket', 'unix://host/a'], /--socket.*a unix socket has none/, /three slashes/],
  [['fetch', 'x509', '--timeout', 'x'], /--timeout: "x" is no duration/, /90s/],
  [['watch', '--socket', 'tcp://localhost:1'], /--socket.*is not an IP address/, /tcp:\/\/127.0.0.1/],
  [['run', '--trust-domian', 'x'], /unknown option '--trust-domian'/, /did you mean --trust-domain/],
  [['policy', 'shadow'], /needs a folder, or --end/, /assay policy shadow FOLDER/],
  [['policy', 'shadow', '.', '--end'], /needs a folder, or --end/, /assay policy shadow FOLDER/],
  [['policy', 'check'], /missing required argument 'folder'/, /assay policy check --help/],
  [['why'], /needs a request/, /assay why SPIFFE_ID TARGET INTENT/],
  [['why', 'spiffe://example.org/a', 't', 'i', '--request', 'x'], /needs a request/, /--request FILE/],
  [['why', 'spiffe://example.org/a', 't'], /needs a target and an intent/, /assay why SPIFFE_ID TARGET INTENT/],
  [['why', 'spiffe://example.org/a', 't', 'i', '--approval', 'alice'], /--approval: "alice"/, /alice:touch/],
  [['target', 'put', 'crm'], /--env: is required/, /^$/],
  [['target', 'put', 'crm', '--env', 'prod', '--impact', 'low'], /--intent: is required/, /^$/],
  [['target', 'retire', 'crm'], /--reason: is required/, /^$/],
  [['clock', 'accept', 'now'], /too many arguments/, /--help/],
];

describe('wrong usage', () => {
  it.each(ROWS)('%j', async (args, message, next) => {
    const { code, out, err } = await assayHere(args, { env: { ASSAY_SOCKETS_ADMIN: '/nonexistent/admin.sock' } });
    expect(err).toMatch(message);
    expect(err).toMatch(/^assay: /);
    const hint = /^ {2}next: (.*)$/m.exec(err)?.[1] ?? '';
    expect(hint).toMatch(next);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  it('is the same for the command itself', async () => {
    expect(await assay(['entry', 'crate'])).toEqual({
      code: 2,
      out: '',
      err: "assay: unknown command 'crate'\n  next: did you mean create?\n",
    });
  });

  it('is JSON where JSON was asked for, however it was asked', async () => {
    for (const ask of [['-o', 'json'], ['--output', 'json'], ['--output=json'], ['-ojson']]) {
      const { code, out, err } = await assayHere(['entry', 'create', ...ask, '--spife-id', 'x']);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(JSON.parse(err)).toEqual({
        error: {
          kind: 'invalid-argument',
          reason: 'USAGE',
          message: "unknown option '--spife-id'",
          field: '--spife-id',
          value: null,
          hint: 'did you mean --spiffe-id?',
        },
      });
    }
  });

  it('WEP-09: a bad SPIFFE_ENDPOINT_SOCKET is named, and --socket wins over it', async () => {
    const env = { SPIFFE_ENDPOINT_SOCKET: 'http://x' };
    const { code, err } = await assayHere(['fetch', 'x509'], { env });
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('SPIFFE_ENDPOINT_SOCKET "http://x"') });
    const other = await assayHere(['fetch', 'x509', '--socket', 'unix:///nonexistent/api.sock'], { env });
    expect(other).toMatchObject({ code: 1, err: expect.stringContaining('no daemon') });
  });
});

describe('help', () => {
  it.each([
    ['entry', 'create'],
    ['entry', 'update'],
    ['run'],
    ['fetch', 'x509'],
    ['bundle', 'set'],
    ['authority', 'x509', 'activate'],
  ])('of %s %s ends with an example to paste', async (...words) => {
    const { code, out, err } = await assayHere([...words, '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^Usage: assay /);
    expect(out).toMatch(new RegExp(`\nExample:\n  assay ${words.join(' ')}.*\n$`));
  });

  it('of the whole lists every group', async () => {
    const { code, out } = await assay(['--help']);
    expect(code).toBe(0);
    for (const group of [
      'run',
      'entry',
      'identity',
      'svid',
      'bundle',
      'ca',
      'authority',
      'fetch',
      'watch',
      'health',
      'doctor',
      'clock',
      'config',
    ]) {
      expect(out).toContain(`\n  ${group}`);
    }
  });

  it('--version is the version of the package', async () => {
    expect((await assay(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
