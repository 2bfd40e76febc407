// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { type ScriptAttestorOptions, scriptAttestor } from '../../../attestors/script/script-attestor.ts';
import type { Digest, ProcessHandle, Script, Unreadable } from '../../../src/attestation/plugin.ts';
import { Failure } from '../../../src/lib/failure.ts';

const never = new AbortController().signal;
const SHA = 'ab'.repeat(32);
const UNREADABLE = { readable: false, reason: 'not here' } as const;

function handle(script: Script | Unreadable, digest: Digest | Unreadable): ProcessHandle {
  return { script: async () => script, scriptDigest: async () => digest } as unknown as ProcessHandle;
}
const found = handle({ readable: true, path: '/srv/job.py' }, { readable: true, sha256: SHA });
const attest = (process: ProcessHandle, options: Partial<ScriptAttestorOptions> = {}) =>
  scriptAttestor({ path: true, sha256: true, ...options }).attest(process, never);

describe('the script attestor', () => {
  it('A1: gives path and digest, and calls both claimed', async () => {
    expect(await attest(found)).toEqual({
      applies: true,
      selectors: [
        { value: 'path:/srv/job.py', strength: 'claimed' },
        { value: `sha256:${SHA}`, strength: 'claimed' },
      ],
      facts: { path: '/srv/job.py', sha256: SHA },
      leftOut: [],
    });
    expect([...scriptAttestor({ path: true, sha256: true }).kinds]).toEqual([
      ['path', 'claimed'],
      ['sha256', 'claimed'],
    ]);
  });

  it('leaves out what cannot be told, what is switched off, and what nobody wants', async () => {
    expect(await attest(handle(UNREADABLE, { readable: true, sha256: SHA }))).toMatchObject({
      selectors: [{ value: `sha256:${SHA}` }],
      leftOut: [{ kind: 'path', reason: 'not here' }],
    });
    expect(await attest(found, { sha256: false, isWanted: () => false })).toMatchObject({
      selectors: [],
      leftOut: [
        { kind: 'path', reason: 'no entry names a script:path selector', onDemand: true },
        { kind: 'sha256', reason: 'attestors.script.sha256 is off' },
      ],
    });
  });

  it('A11: looks for nothing that nobody wants', async () => {
    const unused = (): never => {
      throw new Error('looked');
    };
    const process = { script: unused, scriptDigest: unused } as unknown as ProcessHandle;
    await expect(attest(process, { isWanted: () => false })).resolves.toMatchObject({ selectors: [] });
  });

  it('fails when a look fails: never a lesser identity', async () => {
    const failing = { script: () => Promise.reject(new Failure('unavailable', 'CALLER_UNREADABLE', 'stuck')) };
    await expect(attest(failing as unknown as ProcessHandle)).rejects.toMatchObject({ reason: 'CALLER_UNREADABLE' });
  });
});
