// SPDX-License-Identifier: Apache-2.0
/**
 * The one error that crosses rooms. Three audiences, three places:
 *
 * - `message` is public: it names the field, the value, the reason, and may go to any caller;
 * - `hint` is the next thing to try, for whoever can act on it;
 * - `cause` is private: it is logged, never sent.
 *
 * `reason` is a stable UPPER_SNAKE word a program may react to; `kind` says what sort of failure it is.
 * `api/status.ts` is the only place where a kind becomes a gRPC status.
 */
export type FailureKind =
  | 'invalid-argument'
  | 'not-found'
  | 'already-exists'
  | 'permission-denied'
  | 'unauthenticated'
  | 'failed-precondition'
  | 'resource-exhausted'
  | 'aborted'
  | 'unavailable'
  | 'unimplemented'
  | 'internal';

export interface FailureDetail {
  /** The input field at fault, in the spelling the caller used (`--spiffe-id`, `svid.x509_ttl`). */
  readonly field?: string;
  /** The value at fault, already safe to show. */
  readonly value?: string;
  /** The next thing to try. */
  readonly hint?: string;
  /** What happened underneath. Logged, never sent. */
  readonly cause?: unknown;
}

export class Failure extends Error {
  readonly kind: FailureKind;
  readonly reason: string;
  readonly field: string | undefined;
  readonly value: string | undefined;
  readonly hint: string | undefined;

  constructor(kind: FailureKind, reason: string, message: string, detail: FailureDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'Failure';
    this.kind = kind;
    this.reason = reason;
    this.field = detail.field;
    this.value = detail.value;
    this.hint = detail.hint;
  }
}

/** Shows outside text in an error: JSON-quoted, control and non-ASCII characters escaped, cut at `max` characters. */
export function quote(text: unknown, max = 120): string {
  const shown = typeof text === 'string' ? text : String(text);
  const cut = shown.length > max ? `${shown.slice(0, max)}…(${shown.length} characters)` : shown;
  return JSON.stringify(cut).replace(/[^\x20-\x7e…]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
