// SPDX-License-Identifier: Apache-2.0
/**
 * Writes PKCS#12 files (RFC 7292): a key with its chain, or trust anchors. Encrypted with PBES2, PBKDF2-HMAC-SHA-256 and AES-256-CBC
 * (RFC 8018), with an HMAC-SHA-256 over all, as OpenSSL 3 and Java since 8u301 write by default. Never the 40-bit RC2 of old.
 */
import { createCipheriv, createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { Random } from '../lib/random.ts';
import { bmp, encode, integer, type Node, nothing, octets, oid, sequence, set, tagged, taggedBytes } from './asn1.ts';

export interface StoreSecrets {
  readonly password: string;
  readonly random: Random;
}

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const SHROUDED_KEY_BAG = '1.2.840.113549.1.12.10.1.2';
const CERT_BAG = '1.2.840.113549.1.12.10.1.3';
const X509_CERTIFICATE = '1.2.840.113549.1.9.22.1';
const FRIENDLY_NAME = '1.2.840.113549.1.9.20';
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21';
const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const HMAC_SHA256 = '1.2.840.113549.2.9';
const AES_256_CBC = '2.16.840.1.101.3.4.1.42';
const SHA256 = '2.16.840.1.101.3.4.2.1';
/** What Java wants on a certificate without a key before it is a trust anchor to it (JDK-8044445). */
const JAVA_TRUSTED_USAGE = '2.16.840.1.113894.746875.1.1';
const ANY_USAGE = '2.5.29.37.0';

/** As Java does by default (`keystore.pkcs12.keyPbeIterationCount`). The files are renewed within hours. */
const ITERATIONS = 10_000;
const SALT_BYTES = 16;
const ALIAS = 'svid';

/** The key (PKCS#8) and its chain (DER, leaf first), under the alias `svid`. */
export function writeKeyStore(pkcs8: Buffer, chain: readonly Buffer[], secrets: StoreSecrets): Buffer {
  const [leaf = Buffer.alloc(0)] = chain;
  const keyId = createHash('sha1').update(leaf).digest();
  const names = [attribute(FRIENDLY_NAME, bmp(ALIAS)), attribute(LOCAL_KEY_ID, octets(keyId))];
  const certificates = chain.map((der, at) => certificateBag(der, at === 0 ? names : []));
  const { algorithm, ciphertext } = encrypted(pkcs8, secrets);
  const key = bag(SHROUDED_KEY_BAG, sequence(algorithm, octets(ciphertext)), names);
  return store([encryptedContent(sequence(...certificates), secrets), content(encode(sequence(key)))], secrets);
}

/** Trust anchors (DER), under the aliases `ca-1`, `ca-2`, … */
export function writeTrustStore(anchors: readonly Buffer[], secrets: StoreSecrets): Buffer {
  const bags = anchors.map((der, at) =>
    certificateBag(der, [attribute(FRIENDLY_NAME, bmp(`ca-${at + 1}`)), attribute(JAVA_TRUSTED_USAGE, oid(ANY_USAGE))]),
  );
  return store([encryptedContent(sequence(...bags), secrets)], secrets);
}

function certificateBag(der: Buffer, attributes: readonly Node[]): Node {
  return bag(CERT_BAG, sequence(oid(X509_CERTIFICATE), tagged(0, octets(der))), attributes);
}

function bag(kind: string, value: Node, attributes: readonly Node[]): Node {
  const parts = [oid(kind), tagged(0, value)];
  return sequence(...parts, ...(attributes.length === 0 ? [] : [set(...attributes)]));
}

const attribute = (kind: string, value: Node): Node => sequence(oid(kind), set(value));

const content = (bytes: Buffer): Node => sequence(oid(DATA), tagged(0, octets(bytes)));

function encryptedContent(bags: Node, secrets: StoreSecrets): Node {
  const { algorithm, ciphertext } = encrypted(encode(bags), secrets);
  const info = sequence(oid(DATA), algorithm, taggedBytes(0, ciphertext));
  return sequence(oid(ENCRYPTED_DATA), tagged(0, sequence(integer(Buffer.from([0])), info)));
}

/** PBES2, RFC 8018 section 6.2 and appendix A.4. */
function encrypted(plain: Buffer, { password, random }: StoreSecrets): { algorithm: Node; ciphertext: Buffer } {
  const salt = random.bytes(SALT_BYTES);
  const iv = random.bytes(16);
  const key = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const derivation = sequence(
    oid(PBKDF2),
    sequence(octets(salt), count(ITERATIONS), sequence(oid(HMAC_SHA256), nothing())),
  );
  const algorithm = sequence(oid(PBES2), sequence(derivation, sequence(oid(AES_256_CBC), octets(iv))));
  return { algorithm, ciphertext: Buffer.concat([cipher.update(plain), cipher.final()]) };
}

function store(parts: readonly Node[], { password, random }: StoreSecrets): Buffer {
  const safe = encode(sequence(...parts));
  const salt = random.bytes(SALT_BYTES);
  const mac = createHmac('sha256', macKey(password, salt)).update(safe).digest();
  const digest = sequence(sequence(oid(SHA256), nothing()), octets(mac));
  return encode(sequence(integer(Buffer.from([3])), content(safe), sequence(digest, octets(salt), count(ITERATIONS))));
}

/** RFC 7292 appendix B.2 for SHA-256, ID 3, and as many bytes as one digest has. */
function macKey(password: string, salt: Buffer): Buffer {
  const block = 64;
  const text = Buffer.from(`${password}\0`, 'utf16le').swap16();
  const filled = (part: Buffer): Buffer => Buffer.alloc(Math.ceil(part.length / block) * block, part);
  let key = Buffer.concat([Buffer.alloc(block, 3), filled(salt), filled(text)]);
  for (let round = 0; round < ITERATIONS; round += 1) key = createHash('sha256').update(key).digest();
  return key;
}

function count(value: number): Node {
  const bytes = Buffer.alloc(3);
  bytes.writeUIntBE(value, 0, 3);
  return integer(bytes.subarray(bytes[0] === 0 && (bytes[1] as number) < 0x80 ? 1 : 0));
}
