// SPDX-License-Identifier: Apache-2.0
/**
 * What the detectors go by: facts in, a finding or nothing out. Pure. Each says what of the evidence makes a finding the same
 * one as before (`key`). No rule takes anything from anybody: the identity was given before it is asked.
 */
import type { Background } from '../peer/background-looks.ts';
import type { Detector, Evidence } from '../store/findings.ts';
import type { IdentityKind, SvidKind } from '../store/records.ts';

export interface Found {
  readonly detector: Detector;
  /** SPIFFE ID. */
  readonly identity: string;
  readonly task?: string;
  readonly evidence: Evidence;
  readonly key: Evidence;
}

/** Who the finding is about. */
export interface Subject {
  readonly identity: string;
  readonly kind: IdentityKind;
  readonly pid: number;
  readonly uid: number;
}

/** Which program a process runs, as far as it was found out. */
export interface Program {
  /** `sha256:HEX` where a look needed it, else `file:DEVICE:INODE`. */
  readonly binary: string;
  readonly path: string | undefined;
}

/** Attack C5: presence proves, absence does not. What an agent keeps from being read counts as found. */
export function staticSecret(subject: Subject, environment: Background['environment']): Found | undefined {
  const { outcome } = environment;
  if (outcome === 'none-seen') return undefined;
  // guard: C5 test/detectors/rules.test.ts
  if (outcome === 'unreadable' && subject.kind !== 'agent') return undefined;
  const seen =
    outcome === 'found' ? { outcome, names: environment.names } : { outcome, reason: environment.reason.slice(0, 200) };
  return found('static-secret', subject, seen);
}

/** OWASP NHI10:2025. A terminal alone is a program in a test; a login above it makes it somebody's. */
export function humanUse(subject: Subject, { attached, login }: Background['terminal']): Found | undefined {
  if (!attached || login === undefined) return undefined;
  return found('human-use', subject, { login });
}

/** The look's own facts, where they have one. `facts` are those of the attestors, by name. */
export function programOf(
  facts: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>,
  executable: Background['executable'],
): Program | undefined {
  const { sha256, path } = facts['unix'] ?? {};
  const place = typeof path === 'string' ? path : undefined;
  if (typeof sha256 === 'string') return { binary: `sha256:${sha256}`, path: place };
  if (executable === undefined) return undefined;
  return { binary: `file:${executable.device}:${executable.inode}`, path: place };
}

export function newBinary(subject: Subject, { binary, path }: Program): Found {
  const more = path === undefined ? {} : { path };
  return { ...found('new-binary', subject, { binary }), evidence: { binary, ...more, ...who(subject) } };
}

/**
 * OWASP NHI9:2025. Two processes that run at once and that one entry describes are of unrelated programs, unless they have
 * the content or the place in common: an upgrade at the same path is the same program.
 */
export function sharedCredential(
  subject: Subject,
  entryId: string,
  own: Program,
  other: Program & { readonly pid: number },
): Found | undefined {
  const related = own.binary === other.binary || (own.path !== undefined && own.path === other.path);
  if (related) return undefined;
  const programs = [nameOf(own), nameOf(other)].sort();
  const key = { entry: entryId, programs };
  return { ...found('shared-credential', subject, key), evidence: { ...key, pids: [subject.pid, other.pid] } };
}

export interface Replay {
  readonly kind: SvidKind;
  /** As of an issuance. */
  readonly serial: string;
  /** Whose it was. */
  readonly identity: string;
  /** Who presented it, or asked about it: a SPIFFE ID, `uid:N`, an address. */
  readonly by: string;
}

/** Whose identity was lent for it, as it was recorded. */
export interface Lent {
  readonly task: string;
  readonly identity: string;
  /** SPIFFE ID in what was issued: that of the task. */
  readonly subject: string;
}

/** `lent`: where the serial is of something that was given in a task. */
export function replay({ kind, serial, identity, by }: Replay, lent?: Lent): Found {
  const key = { kind, serial };
  const found = { detector: 'replay-after-revocation', key, evidence: { ...key, by: by.slice(0, 2_048) } } as const;
  if (lent === undefined) return { ...found, identity };
  // guard: B8 test/detectors/rules.test.ts — a token of another trust domain may have the serial of one of ours
  if (lent.subject !== identity) return { ...found, identity };
  return { ...found, identity: lent.identity, task: lent.task };
}

function found(detector: Detector, subject: Subject, key: Evidence): Found {
  return { detector, identity: subject.identity, key, evidence: { ...key, ...who(subject) } };
}

function who({ pid, uid }: Subject): Evidence {
  return { pid, uid };
}

function nameOf({ binary, path }: Program): string {
  return path ?? binary;
}
