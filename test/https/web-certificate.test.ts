// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { WebCertificate } from '../../src/https/web-certificate.ts';
import { eventually } from '../support/authority.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { type Issued, pem } from '../support/test-ca.ts';
import { keyPem } from '../support/tls-parties.ts';
import { handshake, listen, webPair } from './bench.ts';

const top = tempDir('web-certificate');
let folders = 0;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function place() {
  folders += 1;
  const folder = join(top, String(folders));
  mkdirSync(folder, { mode: 0o700 });
  const certPath = join(folder, 'c.pem');
  const keyPath = join(folder, 'k.pem');
  const put = (issued: Issued, key: Buffer = issued.pkcs8): void => {
    writeFileSync(certPath, issued.chain.map(pem).join(''), { mode: 0o644 });
    writeFileSync(keyPath, keyPem(key), { mode: 0o600 });
  };
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const options = { certPath, keyPath, uid: process.geteuid!(), gid: process.getegid!(), clock, log };
  const open = async (): Promise<WebCertificate> => {
    const certificate = await WebCertificate.open(options);
    closing.push(() => certificate.close());
    return certificate;
  };
  /** Real files take real time. */
  const look = async (seen: () => boolean): Promise<void> => {
    for (let tries = 0; tries < 20 && !seen(); tries += 1) {
      await clock.advance(5_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await eventually(seen);
  };
  const warned = (): number => log.lines.filter(({ level }) => level === 'warn').length;
  return { folder, certPath, keyPath, put, open, look, warned, log };
}

describe('a certificate from files', () => {
  it('FED-07: is shown with its chain, and names its hosts', async () => {
    const { put, open } = place();
    put(webPair(['localhost', 'b.example']));
    const certificate = await open();
    expect(certificate.facts.names).toBe('DNS:localhost, DNS:b.example');
    const { listener, port } = await listen({ certificate });
    closing.push(() => listener.close());
    const socket = await handshake(port);
    expect(socket.authorized).toBe(true);
    socket.destroy();
  });

  it('is read anew when the files change, for the next handshake', async () => {
    const { put, open, look } = place();
    const [first, second] = [webPair(), webPair()];
    put(first);
    const certificate = await open();
    const { listener, port } = await listen({ certificate });
    closing.push(() => listener.close());
    put(second);
    let told = 0;
    certificate.onChange(() => {
      told += 1;
    });
    await look(() => told === 1);
    const socket = await handshake(port);
    expect(socket.getPeerX509Certificate()?.raw.equals(second.der)).toBe(true);
    socket.destroy();
  });

  it('is read anew when a link on the way is turned round, as certbot and Kubernetes do', async () => {
    const { folder, put, look, ...rest } = place();
    const [first, second] = [webPair(), webPair()];
    put(first);
    for (const name of ['c.pem', 'k.pem']) {
      renameSync(join(folder, name), join(folder, `1-${name}`));
      symlinkSync(`1-${name}`, join(folder, name));
    }
    const certificate = await rest.open();
    writeFileSync(join(folder, '2-c.pem'), second.chain.map(pem).join(''));
    writeFileSync(join(folder, '2-k.pem'), keyPem(second.pkcs8), { mode: 0o600 });
    for (const name of ['c.pem', 'k.pem']) {
      symlinkSync(`2-${name}`, join(folder, `new-${name}`));
      renameSync(join(folder, `new-${name}`), join(folder, name));
    }
    await look(() => String(certificate.current().cert) === pem(second.der));
  });

  it.each([
    ['a key of another certificate', ({ put }: ReturnType<typeof place>) => put(webPair(), webPair().pkcs8)],
    [
      'half a file',
      ({ certPath }: ReturnType<typeof place>) => writeFileSync(certPath, '-----BEGIN CERTIFICATE-----\nMII'),
    ],
    [
      'a key that others can read',
      ({ put, keyPath }: ReturnType<typeof place>) => {
        put(webPair());
        chmodSync(keyPath, 0o644);
      },
    ],
  ])('is kept, with one warning, when the new pair is %s; and replaced when that is mended', async (_, spoil) => {
    const files = place();
    const first = webPair();
    files.put(first);
    const certificate = await files.open();
    spoil(files);
    await files.look(() => files.warned() > 0);
    await files.look(() => true);
    expect(String(certificate.current().cert)).toBe(pem(first.der));
    expect(files.warned()).toBe(1);
    const second = webPair();
    chmodSync(files.keyPath, 0o600);
    files.put(second);
    await files.look(() => String(certificate.current().cert) === pem(second.der));
  });

  it.each([
    [
      'FED-07: names no host',
      (f: ReturnType<typeof place>) => f.put(webPair([])),
      'HTTPS_CERTIFICATE_UNUSABLE',
      /names no host/,
    ],
    [
      'has the key of another',
      (f: ReturnType<typeof place>) => f.put(webPair(), webPair().pkcs8),
      'HTTPS_CERTIFICATE_UNUSABLE',
      /not the key of/,
    ],
    [
      'has no key',
      (f: ReturnType<typeof place>) => {
        f.put(webPair());
        writeFileSync(f.keyPath, 'nothing');
      },
      'HTTPS_CERTIFICATE_UNUSABLE',
      /no private key/,
    ],
    [
      'I10: has a key that others can read',
      (f: ReturnType<typeof place>) => {
        f.put(webPair());
        chmodSync(f.keyPath, 0o604);
      },
      'CONFIG_FILE_UNSAFE',
      /others can read the secret/,
    ],
    [
      'A13: others can write',
      (f: ReturnType<typeof place>) => {
        f.put(webPair());
        chmodSync(f.certPath, 0o666);
      },
      'CONFIG_FILE_UNSAFE',
      /others can write/,
    ],
    ['is not there', () => undefined, 'CONFIG_FILE_UNSAFE', /does not exist/],
  ] as const)('one that %s is refused at the start', async (_, make, reason, why) => {
    const files = place();
    make(files);
    const refused = await refusalOfAsync(() => files.open());
    expect(refused.reason).toBe(reason);
    expect(refused.message).toMatch(why);
    expect(refused.message).not.toContain('PRIVATE KEY');
  });
});
