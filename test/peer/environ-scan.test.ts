// SPDX-License-Identifier: Apache-2.0
/** Names out of an environment block, however its bytes come, and never a value (I10). */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EnvironScan, MOST_NAMES } from '../../src/peer/environ-scan.ts';
import { isSecretName } from '../../src/peer/secret-names.ts';

function scanned(text: string, ...parts: readonly number[]): EnvironScan {
  const scan = new EnvironScan();
  let from = 0;
  for (const to of [...parts, text.length]) {
    scan.take(Buffer.from(text.slice(from, to), 'latin1'));
    from = to;
  }
  return scan;
}

describe('the names of secrets', () => {
  it.each([
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'OPENAI_API_KEY',
    'STRIPE_APIKEY',
    'GITHUB_TOKEN',
    'TOKEN',
    'password',
    'DB_PASSWORD',
    'MYSQL_PWD',
    'PGPASSWORD',
    'DATABASE_URL',
    'VAULT_SECRET',
    'TLS_PRIVATE_KEY',
    'JWT_SIGNING_KEY',
    'SMTP_PASSWD',
  ])('include %s', (name) => expect(isSecretName(name)).toBe(true));

  it.each([
    'PATH',
    'HOME',
    'SSH_AUTH_SOCK',
    'KEYBOARD',
    'TOKENIZERS_PARALLELISM',
    'PUBLIC_KEY',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'SPIFFE_ENDPOINT_SOCKET',
    'MONKEY',
    'A B_TOKEN',
    '',
    `${'A'.repeat(130)}_TOKEN`,
  ])('do not include %j', (name) => expect(isSecretName(name)).toBe(false));
});

describe('an environment block', () => {
  it('is read at whatever boundaries its bytes come', () => {
    const text = 'PATH=/bin\0DB_PASSWORD=a=b\0X=1\0GITHUB_TOKEN=\0';
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        expect(scanned(text, ...cuts.sort((a, b) => a - b)).names).toEqual(['DB_PASSWORD', 'GITHUB_TOKEN']);
      }),
    );
  });

  it.each([
    ['a value that reads like a variable', 'X=DB_PASSWORD=hunter2\0'],
    ['a text without a name', 'hunter2_TOKEN\0X=1\0'],
    ['what stands behind a line break in a value', 'X=1\nDB_PASSWORD=hunter2\0'],
  ])('I10: tells nothing of %s', (_, text) => expect(scanned(text).names).toEqual([]));

  it('I10: tells nothing that is not before a `=`, whatever the block', () => {
    const part = fc.string({ unit: fc.constantFrom('A', '_', 'TOKEN', '=', '\0', '\n') });
    fc.assert(
      fc.property(part, (text) => {
        const named = text.split('\0').filter((one) => one.includes('='));
        for (const name of scanned(text).names) expect(named.map((one) => one.split('=')[0])).toContain(name);
      }),
    );
  });

  it('C5: says that it was written over', () => {
    expect(scanned('A=1\0B=2\0').isOverwritten).toBe(false);
    expect(scanned('A=1\0\0\0B=2\0').isOverwritten).toBe(true);
    expect(scanned('\0\0\0').isOverwritten).toBe(true);
  });

  it('tells nothing of what follows a gap until the next variable', () => {
    const scan = new EnvironScan();
    scan.take(Buffer.from('A=1\0B=xx'));
    scan.skip();
    scan.take(Buffer.from('xx_TOKEN=hunter2\0C_TOKEN=1\0'));
    expect(scan.names).toEqual(['C_TOKEN']);
  });

  it(`I9: tells ${MOST_NAMES} names at most`, () => {
    const text = Array.from({ length: 5_000 }, (_, n) => `N${n}_TOKEN=x\0`).join('');
    expect(scanned(text).names).toHaveLength(MOST_NAMES);
  });
});
