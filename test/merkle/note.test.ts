// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { leafHash } from '../../src/merkle/hash.ts';
import {
  checkpointText,
  type NoteSigner,
  openCheckpoint,
  parseVerifierKey,
  signCheckpoint,
  verifierKey,
} from '../../src/merkle/note.ts';

function signerOf(name: string, key: KeyObject = generateKeyPairSync('ed25519').privateKey): NoteSigner {
  return { name, publicKey: createPublicKey(key), sign: (text) => sign(null, text, key) };
}

const signer = signerOf('example.org/assay');
const checkpoint = { origin: 'example.org/assay', size: 21, root: leafHash('root') };
const note = signCheckpoint(checkpoint, signer);
const refusal = expect.objectContaining({ reason: 'CHECKPOINT_INVALID' });

/** Any text, signed as a note of `o`. */
function signedText(text: string): { readonly own: NoteSigner; readonly signed: string } {
  const key = generateKeyPairSync('ed25519').privateKey;
  const own = signerOf('o', key);
  const valid = signCheckpoint(checkpoint, own);
  const blob = Buffer.from((/ (\S+)\n$/.exec(valid) as RegExpExecArray)[1] as string, 'base64');
  const signature = Buffer.concat([blob.subarray(0, 4), sign(null, Buffer.from(text), key)]);
  return { own, signed: `${text}\n— o ${signature.toString('base64')}\n` };
}

describe('a signed checkpoint', () => {
  it('is read back by whoever has the key', () => {
    expect(openCheckpoint(note, signer)).toEqual(checkpoint);
    expect(openCheckpoint(note, parseVerifierKey(verifierKey(signer)))).toEqual(checkpoint);
  });

  it('has keys in the form of other implementations', () => {
    // The example of golang.org/x/mod/sumdb/note.
    const example = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    expect(verifierKey(parseVerifierKey(example))).toBe(example);
  });

  it('is read beside the signatures of others', () => {
    const witness = signerOf('witness.example');
    const other = signCheckpoint(checkpoint, witness).split('\n\n')[1] as string;
    expect(openCheckpoint(note + other, signer)).toEqual(checkpoint);
    expect(openCheckpoint(note + other, witness)).toEqual(checkpoint);
  });

  it('B5: is refused by another key, under another name, and after a change of one byte', () => {
    expect(() => openCheckpoint(note, signerOf('example.org/assay'))).toThrow(refusal);
    expect(() => openCheckpoint(note, { ...signer, name: 'example.org/other' })).toThrow(refusal);
    const bytes = Buffer.from(note);
    for (const at of bytes.keys()) {
      const changed = Buffer.from(bytes);
      changed[at] = (bytes[at] as number) ^ 1;
      expect(() => openCheckpoint(changed.toString('latin1'), signer)).toThrow(refusal);
      if (changed.toString('utf8') !== note)
        expect(() => openCheckpoint(changed.toString('utf8'), signer)).toThrow(refusal);
    }
  });

  it('B5: with a good signature and a bad one of the same key is refused', () => {
    const bad = signCheckpoint({ ...checkpoint, size: 22 }, signer).split('\n\n')[1] as string;
    expect(() => openCheckpoint(note + bad, signer)).toThrow(refusal);
  });

  it.each([
    ['nothing', ''],
    ['no signature', checkpointText(checkpoint)],
    ['a signature without a line break', note.slice(0, -1)],
    ['an empty line of signatures', `${checkpointText(checkpoint)}\n\n`],
  ])('is refused where it is %s', (_, text) => {
    expect(() => openCheckpoint(text, signer)).toThrow(refusal);
  });

  it.each([
    ['an origin with a space', `a b\n1\n${leafHash('').toString('base64')}\n`],
    ['a size with a sign', `o\n+1\n${leafHash('').toString('base64')}\n`],
    ['a size with a zero before it', `o\n01\n${leafHash('').toString('base64')}\n`],
    ['a size past what a number holds', `o\n9007199254740993\n${leafHash('').toString('base64')}\n`],
    ['a root of 31 bytes', `o\n1\n${leafHash('').subarray(1).toString('base64')}\n`],
    ['a root with a bit too many', `o\n1\n${leafHash('').toString('base64').replace(/.=$/, '/=')}\n`],
    ['one line', 'o\n'],
  ])('is refused, though signed, with %s', (_, text) => {
    const { own, signed } = signedText(text);
    expect(() => openCheckpoint(signed, own)).toThrow(refusal);
  });

  it('I9: is refused where it is longer than any is', () => {
    const line = note.split('\n\n')[1] as string;
    expect(() => openCheckpoint(note + line.repeat(65), signer)).toThrow(refusal);
    const long = signedText(`${checkpointText({ ...checkpoint, origin: 'o' })}${'x'.repeat(17_000)}\n`);
    expect(() => openCheckpoint(long.signed, long.own)).toThrow(refusal);
    const short = signedText(`${checkpointText({ ...checkpoint, origin: 'o' })}more\n`);
    expect(openCheckpoint(short.signed, short.own).size).toBe(21);
  });
});

describe('a verifier key', () => {
  const good = verifierKey(signer);
  it.each([
    ['empty', ''],
    ['of another key id', good.replace(/\+[0-9a-f]{8}\+/, '+00000000+')],
    ['of another name', good.replace('example.org', 'example.com')],
    ['cut short', good.slice(0, -4)],
    ['of another algorithm', good.replace('+A', '+B')],
  ])('is refused where it is %s', (_, text) => {
    expect(() => parseVerifierKey(text)).toThrow(expect.objectContaining({ reason: 'LOG_KEY_INVALID' }));
  });

  it('is that of the private key', () => {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    const own = signerOf('n', createPrivateKey(pem));
    expect(
      openCheckpoint(signCheckpoint({ ...checkpoint, origin: 'n' }, own), parseVerifierKey(verifierKey(own))).size,
    ).toBe(21);
  });
});
