// SPDX-License-Identifier: Apache-2.0
/** What verifiers want in the discovery document (OpenID Connect Discovery 1.0 section 3 and 4.3). */
import { quote } from '../lib/failure.ts';
import { type JsonValue, parseJsonText } from '../lib/json-text.ts';
import { broken, type Finding, fine } from './finding.ts';

export interface DocumentFindings {
  readonly findings: readonly Finding[];
  /** As the document has it; undefined where none can be followed. */
  readonly jwksUri: string | undefined;
  /** What it says that tokens may be signed with. */
  readonly algorithms: readonly string[];
}

const RESTORE = 'let the daemon itself answer there: its document has it';

export function checkDocument(text: string, issuer: string): DocumentFindings {
  const document = read(text);
  if (document === undefined) {
    const finding = broken('discovery document', 'it is no JSON object, or names a member twice', RESTORE);
    return { findings: [finding], jwksUri: undefined, algorithms: [] };
  }
  const algorithms = listOf(document.get('id_token_signing_alg_values_supported'));
  const jwksUri = document.get('jwks_uri');
  const claims = listOf(document.get('claims_supported'));
  return {
    jwksUri: jwksUri === `${issuer}/keys` ? jwksUri : undefined,
    algorithms,
    findings: [
      same('discovery issuer', document.get('issuer'), issuer),
      same('jwks_uri', jwksUri, `${issuer}/keys`),
      holds('response_types_supported', listOf(document.get('response_types_supported')), 'id_token'),
      holds('subject_types_supported', listOf(document.get('subject_types_supported')), 'public'),
      // "RS256 MUST be included" (section 3).
      holds('id_token_signing_alg_values_supported', algorithms, 'RS256'),
      ['iss', 'sub', 'aud', 'exp', 'iat'].every((name) => claims.includes(name))
        ? fine('claims_supported', listed(claims))
        : broken('claims_supported', 'iss, sub, aud, exp or iat is missing', RESTORE, ['aws']),
    ],
  };
}

function read(text: string): ReadonlyMap<string, JsonValue> | undefined {
  try {
    const value = parseJsonText(text, 'discovery');
    return value instanceof Map ? value : undefined;
  } catch {
    return undefined;
  }
}

function same(name: string, found: JsonValue | undefined, wanted: string): Finding {
  if (found === wanted) return fine(name, `${wanted}, character for character`);
  const shown = typeof found === 'string' ? quote(found) : 'missing';
  return broken(name, `it is ${shown}, and tokens mean ${wanted}`, 'let jwt.issuer and what answers there be one URL');
}

function holds(name: string, found: readonly string[], wanted: string): Finding {
  if (found.includes(wanted)) return fine(name, listed(found));
  return broken(name, `${wanted} is missing in it`, RESTORE);
}

function listOf(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

/** Whoever answers may say what it likes, and as much. */
function listed(names: readonly string[]): string {
  return quote(names.join(', '), 200).slice(1, -1);
}
