// SPDX-License-Identifier: Apache-2.0
/**
 * Makes hostile.json: signatures that must be refused, each with what is said, and one of each kind that must pass. Run with
 * `tools/node/run test/vectors/sshsig/make-hostile.ts`; keys are new each time, so the file changes as a whole. Keys of the `sk-` kinds
 * are in software.
 */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { armor } from '../../../src/approvals/armor.ts';
import { SshReader, sshStrings } from '../../../src/lib/ssh-wire.ts';
import { KEY_TYPES, NAMESPACE, newSshKey, rawSshsig, type SshsigChange, uint32 } from '../../support/sshsig.ts';

const MESSAGE = '{"v":1}';
const [ed, ec, skEd, skEc] = KEY_TYPES.map((type) => newSshKey(type)) as [Key, Key, Key, Key];
type Key = ReturnType<typeof newSshKey>;

const made = (key: Key, change: SshsigChange = {}, message = MESSAGE): string => armor(rawSshsig(key, message, change));
const good = made(ed);
const bytes = rawSshsig(ed, MESSAGE);
const rsa = rsaKey();
const site = newSshKey('sk-ssh-ed25519@openssh.com', 'bank.test');

/** Of an ECDSA signature's two numbers, others. */
const numbers = (change: (r: Buffer, s: Buffer) => readonly Buffer[]) => (blob: Buffer) => {
  const reader = new SshReader(blob);
  return sshStrings(...change(reader.string() as Buffer, reader.string() as Buffer));
};
const padded = numbers((r, s) => [Buffer.concat([Buffer.of(0), r]), s]);

const hostile: readonly (readonly [string, string, string])[] = [
  ['nothing', 'does not go from', ''],
  ['no end', 'does not go from', good.replace(/-----END.*\n$/, '')],
  ['talk before it', 'does not go from', `Good signature\n${good}`],
  ['talk after it', 'does not go from', `${good}trust me\n`],
  ['two of them', 'not base64', `${good}${good}`],
  ['line ends of another system', 'does not go from', good.replaceAll('\n', '\r\n')],
  ['an empty line', 'a line that is empty', good.replace('\n', '\n\n')],
  ['one long line', 'a line that is empty or longer', armor(bytes).replace(/(?<=[^-])\n(?=[^-])/g, '')],
  ['a header', 'not base64', good.replace('\n', '\nHash: SHA512\n')],
  ['spaces in its base64', 'not base64', good.replace('U1NIU0lH', 'U1NI U0lH')],
  ['base64 of a URL', 'not base64', good.replace('U1NIU0lH', 'U1NIU0l_')],
  ['nothing between its lines', 'does not begin with', armor(Buffer.alloc(0))],
  ['megabytes', 'longer than', armor(Buffer.alloc(1 << 20))],
  ['another beginning', 'does not begin with', made(ed, { magic: 'SSHSIX' })],
  ['version 0', 'does not begin with', made(ed, { version: 0 })],
  ['version 2', 'does not begin with', made(ed, { version: 2 })],
  ['a byte behind it', 'something follows', made(ed, { tail: Buffer.of(0) })],
  ['its last byte missing', 'it is cut', armor(bytes.subarray(0, -1))],
  ['a length past its end', 'it is cut', armor(Buffer.concat([bytes.subarray(0, 10), uint32(0xffffffff)]))],
  ['no signature in it', 'it is cut', armor(bytes.subarray(0, bytes.indexOf('sha512') + 6))],
  ['the namespace of git', 'namespace is "git"', made(ed, { namespace: 'git' })],
  ['the namespace of files', 'namespace is "file"', made(ed, { namespace: 'file' })],
  ['no namespace', 'namespace is ""', made(ed, { namespace: '' })],
  ['the namespace of another trust domain', 'namespace is', made(ed, { namespace: 'approval@example.com' })],
  ['ours with a NUL behind it', 'namespace is', made(ed, { namespace: `${NAMESPACE}\0` })],
  ['ours in capitals', 'namespace is', made(ed, { namespace: NAMESPACE.toUpperCase() })],
  ['something reserved', 'reserved field', made(ed, { reserved: 'x' })],
  ['SHA-1', 'hash "sha1"', made(ed, { hashName: 'sha1' })],
  ['SHA-384', 'hash "sha384"', made(ed, { hashName: 'sha384' })],
  ['another message', 'not good', made(ed, {}, '{"v":2}')],
  ['a line end that the message has not', 'not good', made(ed, {}, `${MESSAGE}\n`)],
  ['another key', 'not good', made(ed, { keyBytes: newSshKey('ssh-ed25519').bytes })],
  ['another key, with P-256', 'not good', made(ec, { keyBytes: newSshKey('ecdsa-sha2-nistp256').bytes })],
  ['RSA', 'no kind that is taken', made(ed, { keyBytes: rsa })],
  [
    'a key with a byte behind it',
    'not those of a key',
    made(ed, { keyBytes: Buffer.concat([ed.bytes, Buffer.of(0)]) }),
  ],
  ['a key for a web site', 'no name for ssh', made(site, { application: 'bank.test' })],
  ['a key of small order', 'small order', made(ed, { keyBytes: sshStrings('ssh-ed25519', Buffer.alloc(32)) })],
  ['an inner kind of another key', 'not made of', made(ed, { innerType: 'ecdsa-sha2-nistp256' })],
  ['a WebAuthn signature', 'not made of', made(skEc, { innerType: 'webauthn-sk-ecdsa-sha2-nistp256@openssh.com' })],
  ['a touch that a software key appends', 'not made of', made(ed, { innerTail: Buffer.from('0500000007', 'hex') })],
  ['a software key as a security key', 'not made of', made(ed, { innerType: 'sk-ssh-ed25519@openssh.com' })],
  ['a security key without its touch', 'not made of', made(ed, { keyBytes: skEd.bytes, innerType: skEd.type })],
  ['a byte behind the inner signature', 'not made of', made(skEd, { innerTail: Buffer.of(0) })],
  ['63 bytes of Ed25519', 'not good', made(ed, { inner: (b) => b.subarray(1) })],
  ['65 bytes of Ed25519', 'not good', made(ed, { inner: (b) => Buffer.concat([b, Buffer.of(0)]) })],
  ['S of Ed25519 with L added', 'not good', made(ed, { inner: plusOrder })],
  ['zeros of Ed25519', 'not good', made(ed, { inner: () => Buffer.alloc(64) })],
  ['a padded number', 'negative or padded|not of two numbers', made(ec, { inner: padded })],
  ['a number twice padded', 'not of two numbers|negative or padded', made(ec, { inner: (b) => padded(padded(b)) })],
  ['a negative number', 'negative or padded', made(ec, { inner: numbers((_, s) => [Buffer.alloc(32, 0x80), s]) })],
  ['no number', 'not of two numbers', made(ec, { inner: numbers((_, s) => [Buffer.alloc(0), s]) })],
  ['zero, with a byte', 'not of two numbers', made(ec, { inner: numbers((_, s) => [Buffer.of(0), s]) })],
  ['a number too long', 'not of two numbers', made(ec, { inner: numbers((_, s) => [Buffer.alloc(34, 1), s]) })],
  ['three numbers', 'follows its two numbers', made(ec, { inner: numbers((r, s) => [r, s, s]) })],
  ['one number', 'not of two numbers', made(ec, { inner: numbers((r) => [r]) })],
  ['numbers in the order of another', 'not good', made(ec, { inner: numbers((r, s) => [s, r]) })],
  ['a touch set afterwards', 'not good', armor(flagged(rawSshsig(skEd, MESSAGE, { flags: 0 }), 5))],
  ['a PIN set afterwards', 'not good', armor(flagged(rawSshsig(skEc, MESSAGE, { flags: 1 }), 5))],
  ['another application', 'not good', made(skEd, { application: 'ssh:other' })],
];

/** The group order (RFC 8032 section 5.1) added to S, which is good for those who do not look (section 8.4). */
function plusOrder(signature: Buffer): Buffer {
  const order = (1n << 252n) + 27742317777372353535851937790883648493n;
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()]);
}

/** Its flags are the fifth byte from the end. */
function flagged(signature: Buffer, flags: number): Buffer {
  signature[signature.length - 5] = flags;
  return signature;
}

function rsaKey(): Buffer {
  const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  const [e, n] = [jwk.e, jwk.n].map((part) => Buffer.from(part as string, 'base64url')) as [Buffer, Buffer];
  return sshStrings('ssh-rsa', e, Buffer.concat([Buffer.of(0), n]));
}

const museum = {
  message: MESSAGE,
  namespace: NAMESPACE,
  good: [ed, ec, skEd, skEc].map((key) => ({ type: key.type, key: key.blob, signature: made(key, { flags: 5 }) })),
  hostile: hostile.map(([name, says, signature]) => ({ name, says, signature: signature.slice(0, 8_192) })),
};
writeFileSync(new URL('hostile.json', import.meta.url), `${JSON.stringify(museum, null, 2)}\n`);
