// SPDX-License-Identifier: Apache-2.0
/**
 * The one place where a domain error becomes a gRPC status, and back again in our own clients.
 *
 * The status carries the public message. Reason, field, value and hint travel as trailing metadata `assay-*`, so that a
 * command line can print them apart, and as a google.rpc.ErrorInfo, which other clients can read. A `Failure`'s private cause, and everything about an error that is no `Failure`,
 * stays here (I10): the caller logs it and the client reads one fixed sentence.
 */
import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { Failure, type FailureKind } from '../lib/failure.ts';
import { DETAILS_HEADER, encodeErrorInfo } from './error-info.ts';

const CODES: Readonly<Record<FailureKind, status>> = {
  'invalid-argument': status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  'already-exists': status.ALREADY_EXISTS,
  'permission-denied': status.PERMISSION_DENIED,
  unauthenticated: status.UNAUTHENTICATED,
  'failed-precondition': status.FAILED_PRECONDITION,
  'resource-exhausted': status.RESOURCE_EXHAUSTED,
  aborted: status.ABORTED,
  unavailable: status.UNAVAILABLE,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
};

const KINDS: ReadonlyMap<status, FailureKind> = new Map(
  Object.entries(CODES).map(([kind, code]) => [code, kind as FailureKind]),
);

const PARTS = ['reason', 'field', 'value', 'hint'] as const;
/** Trailing metadata is bounded by clients (8 KiB in most); a long value is cut. */
const LONGEST_PART = 1_024;

export type Status = Pick<StatusObject, 'code' | 'details' | 'metadata'>;

export function toStatus(error: unknown): Status {
  const metadata = new Metadata();
  if (!(error instanceof Failure)) {
    metadata.set('assay-reason', 'INTERNAL');
    // guard: I10 test/api/status.test.ts — an unexpected error's text may name anything
    return { code: status.INTERNAL, details: 'internal error; the log of the daemon says more', metadata };
  }
  for (const part of PARTS) {
    const text = error[part];
    if (text !== undefined && text !== '') metadata.set(`assay-${part}`, encode(text.slice(0, LONGEST_PART)));
  }
  const code = CODES[error.kind];
  metadata.set(
    DETAILS_HEADER,
    encodeErrorInfo({ code, message: error.message, reason: error.reason, about: aboutOf(error) }),
  );
  return { code, details: error.message, metadata };
}

function aboutOf(error: Failure): Map<string, string> {
  const about = new Map<string, string>();
  for (const part of ['field', 'value', 'hint'] as const) {
    const text = error[part];
    if (text !== undefined && text !== '') about.set(part, text);
  }
  return about;
}

/** A status from our own daemon as the `Failure` it was; anything else as UNAVAILABLE or INTERNAL with gRPC's words. */
export function fromStatus(error: ServiceError): Failure {
  const part = (name: (typeof PARTS)[number]): string | undefined => {
    const [text] = error.metadata?.get(`assay-${name}`) ?? [];
    return typeof text === 'string' ? decode(text) : undefined;
  };
  const [field, value, hint] = [part('field'), part('value'), part('hint')];
  return new Failure(
    KINDS.get(error.code) ?? 'internal',
    part('reason') ?? `GRPC_${status[error.code]}`,
    error.details,
    {
      ...(field === undefined ? {} : { field }),
      ...(value === undefined ? {} : { value }),
      ...(hint === undefined ? {} : { hint }),
      cause: error,
    },
  );
}

/** Metadata is printable ASCII (gRPC over HTTP/2, "Custom-Metadata"); the rest is percent-encoded as UTF-8. */
function encode(text: string): string {
  return text.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]/gu, encodeURIComponent);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
