// SPDX-License-Identifier: Apache-2.0
import { type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromStatus, toStatus } from '../../src/api/status.ts';
import { Failure, type FailureKind } from '../../src/lib/failure.ts';

const KINDS: readonly (readonly [FailureKind, status])[] = [
  ['invalid-argument', status.INVALID_ARGUMENT],
  ['not-found', status.NOT_FOUND],
  ['already-exists', status.ALREADY_EXISTS],
  ['permission-denied', status.PERMISSION_DENIED],
  ['unauthenticated', status.UNAUTHENTICATED],
  ['failed-precondition', status.FAILED_PRECONDITION],
  ['resource-exhausted', status.RESOURCE_EXHAUSTED],
  ['aborted', status.ABORTED],
  ['unavailable', status.UNAVAILABLE],
  ['unimplemented', status.UNIMPLEMENTED],
  ['internal', status.INTERNAL],
];

const there = (failure: Failure): Failure => fromStatus(toStatus(failure) as ServiceError);

describe('a Failure as a status', () => {
  it.each(KINDS)('%s has its own code, and comes back as itself', (kind, code) => {
    const failure = new Failure(kind, 'SOME_REASON', 'a message', { field: '--x', value: '"y"', hint: 'do z' });
    expect(toStatus(failure)).toMatchObject({ code, details: 'a message' });
    expect(there(failure)).toMatchObject({
      kind,
      reason: 'SOME_REASON',
      message: 'a message',
      field: '--x',
      value: '"y"',
      hint: 'do z',
    });
  });

  it('I10: never carries the cause', () => {
    const failure = new Failure('internal', 'X', 'public', { cause: new Error('canary') });
    expect(JSON.stringify(toStatus(failure))).not.toContain('canary');
    expect(JSON.stringify(toStatus(failure).metadata.toJSON())).not.toContain('canary');
  });

  it.each([[new Error('canary')], [new TypeError('canary')], ['canary'], [undefined], [{ canary: 1 }]])(
    'I10: an unexpected error says one fixed sentence',
    (error) => {
      const { code, details, metadata } = toStatus(error);
      expect(code).toBe(status.INTERNAL);
      expect(details + JSON.stringify(metadata.toJSON())).not.toContain('canary');
    },
  );

  it('brings any text through metadata, cut at 1024 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 1024 }), (text) => {
        const wellFormed = text.slice(0, 1024).toWellFormed();
        expect(there(new Failure('internal', 'X', 'm', { hint: text })).hint).toBe(wellFormed);
      }),
    );
    expect(there(new Failure('internal', 'X', 'm', { hint: 'x'.repeat(5_000) })).hint).toHaveLength(1_024);
  });

  it('takes a status of another origin by its code', () => {
    const other = { code: status.CANCELLED, details: 'gone', metadata: undefined } as unknown as ServiceError;
    expect(fromStatus(other)).toMatchObject({ kind: 'internal', reason: 'GRPC_CANCELLED', message: 'gone' });
  });
});
