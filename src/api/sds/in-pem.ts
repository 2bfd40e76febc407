// SPDX-License-Identifier: Apache-2.0
/** DER as the PEM that Envoy reads (SDS-02). */
import { splitCertificates } from '../../x509/parse.ts';
import { toPem } from '../../x509/pem.ts';

/** A bundle is one Buffer for all callers, so its text is made once. */
const texts = new WeakMap<Buffer, Buffer>();

export function pemOfBundle(der: Buffer): Buffer {
  let text = texts.get(der);
  if (text === undefined) {
    text = pemOfChain(der);
    texts.set(der, text);
  }
  return text;
}

/** Certificates back to back, in their order. */
export function pemOfChain(der: Buffer): Buffer {
  return Buffer.from(
    splitCertificates(der)
      .map((one) => toPem('CERTIFICATE', one))
      .join(''),
  );
}

/** PKCS#8. */
export function pemOfKey(der: Buffer): Buffer {
  return Buffer.from(toPem('PRIVATE KEY', der));
}
