// SPDX-License-Identifier: Apache-2.0
/**
 * Fresh workload keys as PKCS#8 and SubjectPublicKeyInfo. EC keys come from one reused ECDH object and are framed by
 * hand, which costs a third of exporting KeyObjects (decision 3); RSA keys are made in the thread pool, off the loop.
 */
import { createECDH, type ECDH, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { WorkloadKeyType } from './types.ts';

export interface WorkloadKey {
  readonly pkcs8: Buffer;
  readonly spki: Buffer;
  /** The subjectPublicKey bits, from which the key identifier is made. */
  readonly bits: Buffer;
}

interface EcFrame {
  readonly ecdh: ECDH;
  readonly scalarBytes: number;
  /** PrivateKeyInfo up to the scalar, then up to the public point (RFC 5208, RFC 5915). */
  readonly head: Buffer;
  readonly middle: Buffer;
  /** SubjectPublicKeyInfo up to the public point (RFC 5480). */
  readonly spkiHead: Buffer;
}

const P256: EcFrame = {
  ecdh: createECDH('prime256v1'),
  scalarBytes: 32,
  head: Buffer.from('308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420', 'hex'),
  middle: Buffer.from('a144034200', 'hex'),
  spkiHead: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
};

const P384: EcFrame = {
  ecdh: createECDH('secp384r1'),
  scalarBytes: 48,
  head: Buffer.from('3081b6020100301006072a8648ce3d020106052b8104002204819e30819b0201010430', 'hex'),
  middle: Buffer.from('a164036200', 'hex'),
  spkiHead: Buffer.from('3076301006072a8648ce3d020106052b81040022036200', 'hex'),
};

/** RSA SubjectPublicKeyInfo up to the bits, and the bits' length: fixed, as modulus length and exponent (65537) are. */
const RSA_2048 = { head: Buffer.from('30820122300d06092a864886f70d01010105000382010f00', 'hex'), bits: 270 };
const RSA_4096 = { head: Buffer.from('30820222300d06092a864886f70d01010105000382020f00', 'hex'), bits: 526 };

const generateRsa = promisify(generateKeyPair);

/** Synchronous for EC, so that no other caller's key can come between. */
export function newWorkloadKey(type: WorkloadKeyType): WorkloadKey | Promise<WorkloadKey> {
  switch (type) {
    case 'ec-p256':
      return newEcKey(P256);
    case 'ec-p384':
      return newEcKey(P384);
    case 'rsa-2048':
      return newRsaKey(2048);
    case 'rsa-4096':
      return newRsaKey(4096);
  }
}

/** A SubjectPublicKeyInfo of the right shape and length, to be overwritten. */
export function placeholderSpki(type: WorkloadKeyType): Buffer {
  switch (type) {
    case 'ec-p256':
      return Buffer.concat([P256.spkiHead, Buffer.alloc(65)]);
    case 'ec-p384':
      return Buffer.concat([P384.spkiHead, Buffer.alloc(97)]);
    case 'rsa-2048':
      return Buffer.concat([RSA_2048.head, Buffer.alloc(RSA_2048.bits)]);
    case 'rsa-4096':
      return Buffer.concat([RSA_4096.head, Buffer.alloc(RSA_4096.bits)]);
  }
}

function newEcKey(frame: EcFrame): WorkloadKey {
  const bits = frame.ecdh.generateKeys();
  return frameEcKey(frame, frame.ecdh.getPrivateKey(), bits);
}

/** Exported for the test that needs a short scalar, which chance gives once in 256 keys. */
export function frameP256Key(scalar: Buffer, bits: Buffer): WorkloadKey {
  return frameEcKey(P256, scalar, bits);
}

/** Wipes `scalar`. */
function frameEcKey(frame: EcFrame, scalar: Buffer, bits: Buffer): WorkloadKey {
  const { head, middle, scalarBytes, spkiHead } = frame;
  const pointAt = head.length + scalarBytes + middle.length;
  // Zeroed, and not from the pool, whose memory other buffers share.
  const pkcs8 = Buffer.alloc(pointAt + bits.length);
  pkcs8.set(head);
  // RFC 5915 section 3: the scalar has the length of the field; OpenSSL gives it without leading zeros.
  let scalarAt = head.length;
  // guard: CLI-02 test/x509/workload-key.test.ts
  scalarAt += scalarBytes - scalar.length;
  pkcs8.set(scalar, scalarAt);
  pkcs8.set(middle, head.length + scalarBytes);
  pkcs8.set(bits, pointAt);
  // guard: X509-31 test/x509/workload-key.test.ts
  scalar.fill(0);
  const spki = Buffer.allocUnsafe(spkiHead.length + bits.length);
  spki.set(spkiHead);
  spki.set(bits, spkiHead.length);
  return { pkcs8, spki, bits };
}

async function newRsaKey(modulusLength: number): Promise<WorkloadKey> {
  const { privateKey, publicKey } = await generateRsa('rsa', {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  return { pkcs8: privateKey, spki: publicKey, bits: publicKey.subarray(RSA_2048.head.length) };
}
