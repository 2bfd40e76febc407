// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Failure } from '../../src/lib/failure.ts';
import { issuerOf } from '../../src/x509/issuer.ts';
import { checkLeaf, type LeafIntent, proveKey } from '../../src/x509/leaf-check.ts';
import { patternOf, walkLeaf } from '../../src/x509/leaf-walk.ts';
import { parseCertificate } from '../../src/x509/parse.ts';
import { layoutOf } from '../../src/x509/tbs-layout.ts';
import type { Signer } from '../../src/x509/types.ts';
import { newWorkloadKey, type WorkloadKey } from '../../src/x509/workload-key.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';
import { leafEdits } from './leaf-edits.ts';
import { rebuild } from './rebuild.ts';
import { forAnHour, newKey, newSigner, template } from './signer.ts';

const key = newKey();
const signer = await newSigner({ key });
const sign = (tbs: Buffer): Buffer => key.sign(tbs) as Buffer;
const minted = await template(signer, { dnsNames: ['a.example', 'b.example'] }).mint(forAnHour);
const intent = intentOf();

const EDITS = leafEdits(signer);
const pattern = patternOf(parseCertificate(minted.certificateDer));

describe('the look at a later leaf of a template', () => {
  it('I2: passes what was meant', () => {
    walkLeaf(minted.certificateDer, pattern, intent);
    walkLeaf(
      rebuild(minted.certificateDer, () => ({}), sign),
      pattern,
      intent,
    );
  });

  it.each(EDITS)('I2: stops %s as well', (_, __, edit) => {
    const failure = refusalOf(() => walkLeaf(rebuild(minted.certificateDer, edit, sign), pattern, intent));
    expect(failure.reason).toBe('SVID_SELF_CHECK');
  });

  it('I2: stops any one byte changed but those of the signature', () => {
    const { certificateDer } = minted;
    const signatureAt = certificateDer.length - parseCertificate(certificateDer).signature.length;
    for (let at = 0; at < signatureAt; at++) {
      const changed = Buffer.from(certificateDer);
      changed[at]! ^= 0x01;
      expect(refusalOf(() => walkLeaf(changed, pattern, intent)).reason).toBe('SVID_SELF_CHECK');
    }
  });

  it('I2: stops what is cut short or goes on', () => {
    const { certificateDer } = minted;
    for (let length = 0; length < certificateDer.length; length++) {
      refusalOf(() => walkLeaf(certificateDer.subarray(0, length), pattern, intent));
    }
    refusalOf(() => walkLeaf(Buffer.concat([certificateDer, Buffer.alloc(1)]), pattern, intent));
  });

  it('I2: compares with what was proven, though the caller changes what it was given', async () => {
    const leaves = template(signer);
    const first = await leaves.mint(forAnHour);
    first.certificateDer.fill(0);
    first.privateKeyPkcs8.fill(0);
    const second = await leaves.mint(forAnHour);
    expect(parseCertificate(second.certificateDer).uriSans).toEqual(['spiffe://example.org/web']);
  });
});

describe('the look at a leaf before it leaves', () => {
  it('I2: passes what was meant', () => {
    expect(checkLeaf(minted.certificateDer, intent).serial).toBe(minted.serial);
    expect(
      checkLeaf(
        rebuild(minted.certificateDer, () => ({}), sign),
        intent,
      ).serial,
    ).toBe(minted.serial);
  });

  it.each(EDITS)('I2: stops %s, naming the %s', (_, field, edit) => {
    const failure = refusalOf(() => checkLeaf(rebuild(minted.certificateDer, edit, sign), intent));
    expect(failure).toMatchObject({ kind: 'internal', reason: 'SVID_SELF_CHECK', field });
  });
});

/** A field's place in the bytes that are signed, and the field the check names; one bit there is turned. */
const PLACES: [string, (tbs: Buffer) => number][] = [
  ['serial', (tbs) => layoutOf(tbs).serial + 15],
  ['encoding', (tbs) => tbs.indexOf(Buffer.from('2a8648ce3d040302', 'hex')) + 7],
  ['issuer', (tbs) => tbs.indexOf(signer.subjectDer) + signer.subjectDer.length - 1],
  ['notBefore', (tbs) => layoutOf(tbs).notBefore + 11],
  ['notAfter', (tbs) => layoutOf(tbs).notAfter + 1],
  ['subject', (tbs) => tbs.lastIndexOf('Assay') + 1],
  ['public key', (tbs) => layoutOf(tbs).spki + 90],
  ['URI SAN', (tbs) => tbs.indexOf('spiffe://') + 23],
  ['DNS SAN', (tbs) => tbs.indexOf('b.example') + 2],
  ['subject key identifier', (tbs) => layoutOf(tbs).ski],
  ['authority key identifier', (tbs) => tbs.indexOf(signer.ski) + 1],
  ['value of 2.5.29.37', (tbs) => tbs.indexOf(Buffer.from('06082b0601050507030106082b06010505070302', 'hex')) + 19],
];

describe('a signer that changes what it signs', () => {
  it.each(PLACES)('I2: is caught at the %s when it begins later', async (_, place) => {
    let tampers = false;
    const tampering = withSign((tbs) => {
      if (tampers) tbs[place(tbs)]! ^= 0x01;
      return sign(tbs);
    });
    const leaves = template(tampering, { dnsNames: ['a.example', 'b.example'] });
    await leaves.mint(forAnHour);
    tampers = true;
    expect(await refusalOfAsync(() => leaves.mint(forAnHour))).toMatchObject({
      kind: 'internal',
      reason: 'SVID_SELF_CHECK',
    });
  });

  it.each(PLACES)('I2: is caught at the %s, and nothing is released', async (field, place) => {
    const tampering = withSign((tbs) => {
      tbs[place(tbs)]! ^= 0x01;
      return sign(tbs);
    });
    const mint = template(tampering, { dnsNames: ['a.example', 'b.example'] }).mint(forAnHour);
    expect(await refusalOfAsync(() => mint)).toMatchObject({ reason: 'SVID_SELF_CHECK', field });
  });

  it('I2: is caught at keyCertSign in place of digitalSignature', async () => {
    const tampering = withSign((tbs) => {
      tbs.set([0x03, 0x02, 0x02, 0x04], tbs.indexOf(Buffer.from('03020780', 'hex')));
      return sign(tbs);
    });
    const failure = await refusalOfAsync(() => template(tampering).mint(forAnHour));
    expect(failure.field).toBe('value of 2.5.29.15');
  });
});

describe('the proof of a leaf', () => {
  it('I2: the first of a template is not released when its signature is that of another', async () => {
    const failure = await refusalOfAsync(() =>
      template(withSign((tbs) => sign(Buffer.concat([tbs, tbs])))).mint(forAnHour),
    );
    expect(failure).toMatchObject({ kind: 'internal', reason: 'SVID_SELF_CHECK', field: 'signature' });
  });

  it('I2: no signature at all, or rubbish, is not released', async () => {
    for (const wrong of [Buffer.alloc(0), Buffer.from('rubbish'), Buffer.alloc(5000)]) {
      const failure = await refusalOfAsync(() => template(withSign(() => wrong)).mint(forAnHour));
      expect(failure.reason).toBe('SVID_SELF_CHECK');
    }
  });

  it('I2: a signer that goes wrong later is caught within 64, and a failure does not use up the sample', async () => {
    let wrong = false;
    const leaves = template(withSign((tbs) => sign(wrong ? Buffer.from('other') : tbs)));
    await leaves.mint(forAnHour);
    wrong = true;
    let released = 0;
    for (let i = 0; i < 200; i++) {
      try {
        await leaves.mint(forAnHour);
        released += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(Failure);
      }
    }
    expect(released).toBe(63);
  });

  it('I2: mints at once are each proven while none has passed', async () => {
    const leaves = template(withSign(async () => sign(Buffer.from('other'))));
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => leaves.mint(forAnHour)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(0);
  });

  it('CLI-02: a private key that is not that of the certificate is not released', () => {
    const other = (newWorkloadKey('ec-p256') as WorkloadKey).pkcs8;
    proveKey(intent);
    const failure = refusalOf(() => proveKey({ ...intent, key: { ...intent.key, pkcs8: other } }));
    expect(failure.field).toBe('private key');
  });
});

function withSign(signing: Signer['sign']): Signer {
  return { ...signer, sign: signing };
}

function intentOf(): LeafIntent {
  const leaf = parseCertificate(minted.certificateDer);
  return {
    serial: leaf.serialBytes,
    notBefore: minted.notBefore,
    notAfter: minted.notAfter,
    key: { pkcs8: minted.privateKeyPkcs8, spki: minted.spki, bits: leaf.publicKeyBits },
    ski: leaf.ski!,
    issuer: issuerOf(signer),
    subjectDer: leaf.subjectDer,
    uri: 'spiffe://example.org/web',
    dnsNames: ['a.example', 'b.example'],
    sanCritical: false,
  };
}
