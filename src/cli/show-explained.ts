// SPDX-License-Identifier: Apache-2.0
/** What `assay explain` found, as text and as JSON. */
import type { WireIdentityExplained, WireProcessExplained, WireRefusal } from '../api/admin/wire.ts';
import type { Io } from './io.ts';
import { plain, printFields, printTable } from './print.ts';
import { identityJson, printIdentity } from './show-entry.ts';

export function processExplainedJson(explained: WireProcessExplained): object {
  const { pid, uid, gid, refusal, attestors, matches, nearest } = explained;
  return {
    process: { pid: Number(pid), uid: Number(uid), gid: Number(gid) },
    refusal: refusalJson(refusal),
    attestors: attestors.map(({ name, outcome, reason, took_ms, selectors, left_out }) => ({
      name,
      outcome,
      reason: textOrNull(reason),
      took_ms,
      selectors: selectors.map(({ selector, strength }) => ({ selector, strength })),
      left_out: left_out.map((one) => ({ kind: one.kind, reason: one.reason })),
    })),
    matches: matches.map(({ entry_id, spiffe_id, hint, refusal: why }) => ({
      entry_id,
      spiffe_id,
      hint,
      refusal: refusalJson(why),
    })),
    nearest: nearest.map(({ entry_id, spiffe_id, lacks }) => ({
      entry_id,
      spiffe_id,
      lacks: lacks.map(({ selector, found, why }) => ({ selector, found, why: textOrNull(why) })),
    })),
  };
}

export function identityExplainedJson({ identity, entries }: WireIdentityExplained): object {
  return {
    identity: identityJson(identity),
    entries: entries.map(({ entry_id, selectors, refusal, unknown_kinds, holders }) => ({
      entry_id,
      selectors: selectors.map(({ selector, strength }) => ({ selector, strength: textOrNull(strength) })),
      refusal: refusalJson(refusal),
      unknown_kinds,
      holders: holders.map(({ pid, uid }) => ({ pid: Number(pid), uid: Number(uid) })),
    })),
  };
}

export function printProcessExplained(io: Io, explained: WireProcessExplained): void {
  const { pid, uid, gid, refusal, attestors, matches, nearest } = explained;
  const first = matches.find((match) => match.refusal === undefined);
  printFields(io, [
    ['process', `pid ${pid}, uid ${uid}, gid ${gid}`],
    ['gets', refusal === undefined ? `${first?.spiffe_id} (entry ${first?.entry_id})` : `nothing: ${refusal.reason}`],
    ['because', refusal?.message],
    ['next', refusal === undefined || refusal.hint === '' ? undefined : refusal.hint],
  ]);
  for (const { name, outcome, reason, took_ms, selectors, left_out } of attestors) {
    const said =
      outcome === 'applies' ? 'found' : outcome === 'failed' ? `failed: ${reason}` : `does not apply: ${reason}`;
    io.out(`\n${plain(name)} ${plain(said)} (${took_ms.toFixed(1)} ms)\n`);
    const rows = selectors.map(({ selector, strength }) => [`  ${strength}`, selector]);
    printTable(io, ['  strength', 'selector'], [...rows, ...left_out.map(leftOutRow)], false);
  }
  if (matches.length > 0) io.out('\nentries that match\n');
  printTable(
    io,
    ['', '', ''],
    matches.map(({ entry_id, spiffe_id, refusal: why }) => [`  ${entry_id}`, spiffe_id, refusedText(why)]),
    false,
  );
  if (nearest.length > 0) io.out('\nnearest entries that do not\n');
  for (const { entry_id, spiffe_id, lacks } of nearest) {
    io.out(`  ${plain(entry_id)}  ${plain(spiffe_id)}\n`);
    for (const { selector, found, why } of lacks) {
      const instead = found.length > 0 ? `it has ${found.join(', ')}` : why;
      io.out(`    lacks ${plain(selector)}: ${plain(instead)}\n`);
    }
  }
}

export function printIdentityExplained(io: Io, { identity, entries }: WireIdentityExplained): void {
  printIdentity(io, identity);
  if (entries.length === 0) io.out('\nit has no entry, so nobody gets it\n');
  for (const { entry_id, selectors, refusal, unknown_kinds, holders } of entries) {
    io.out(`\nentry ${plain(entry_id)}: whoever has all of\n`);
    const rows = selectors.map(({ selector, strength }) => [`  ${strength === '' ? 'unknown' : strength}`, selector]);
    printTable(io, ['', ''], rows, false);
    if (unknown_kinds.length > 0) io.out(`  nobody can: no attestor here gives ${plain(unknown_kinds.join(', '))}\n`);
    if (refusal !== undefined) io.out(`  is refused: ${plain(`${refusal.reason}: ${refusal.message}`)}\n`);
    const who = holders.map(({ pid, uid }) => `pid ${pid} (uid ${uid})`).join(', ');
    io.out(`  held now by ${who === '' ? 'no open stream' : who}\n`);
  }
}

function leftOutRow({ kind, reason }: { readonly kind: string; readonly reason: string }): string[] {
  return ['  -', `${kind}: ${reason}`];
}

function refusedText(refusal: WireRefusal | undefined): string {
  return refusal === undefined ? '' : `refused: ${refusal.reason}: ${refusal.message}`;
}

function refusalJson(refusal: WireRefusal | undefined): object | null {
  if (refusal === undefined) return null;
  return { reason: refusal.reason, message: refusal.message, hint: textOrNull(refusal.hint) };
}

function textOrNull(text: string): string | null {
  return text === '' ? null : text;
}
