// SPDX-License-Identifier: Apache-2.0
/** That the policies in an evidence are those that decided: by their hash, over all that has a say. */
import { canonicalJson } from '../lib/canonical-json.ts';
import { Failure } from '../lib/failure.ts';
import { type JsonValue, parseJsonText } from '../lib/json-text.ts';
import { type PolicyFile, policyHash } from '../policy/files.ts';
import type { EvidencePolicy } from './format.ts';
import type { Verdict } from './verdict.ts';

/** Those by which `hashes` decided: none is missing, none is there besides. */
export function checkPolicies(policies: readonly EvidencePolicy[], hashes: readonly string[], verdict: Verdict): void {
  const given = new Map(policies.map(({ hash, text }) => [hash, text]));
  for (const hash of new Set(hashes)) {
    // Of no policies at all there is no text.
    if (hash === '' || hash === policyHash([])) continue;
    // guard: C1 test/evidence/checks.test.ts
    verdict.require(given.has(hash), `policies ${hash}: they decided, and their text is not in the file`);
  }
  for (const [hash, text] of given) {
    verdict.require(hashes.includes(hash), `policies ${hash}: they decided nothing of this task`);
    // guard: C1 test/evidence/checks.test.ts
    verdict.require(hashOf(text) === hash, `policies ${hash}: their text is another`);
  }
}

/** Undefined for a text that is none of a set. */
function hashOf(text: string): string | undefined {
  try {
    const set = parseJsonText(text, 'policies');
    if (!(set instanceof Map)) return undefined;
    const [listed, guardrails, schema] = [set.get('files'), set.get('guardrails'), set.get('schema')];
    if (typeof guardrails !== 'string' || typeof schema !== 'string' || !Array.isArray(listed)) return undefined;
    const files = listed.map(fileOf);
    const isAll = canonicalJson({ files, guardrails, schema } as never) === text;
    return isAll ? policyHash(files, guardrails, schema) : undefined;
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function fileOf(json: JsonValue): PolicyFile {
  const members = json instanceof Map ? json : new Map<string, JsonValue>();
  return { name: String(members.get('name')), text: String(members.get('text')) };
}
