// SPDX-License-Identifier: Apache-2.0
/** What can go wrong, each told apart, with what to do next. All of it fails the call: never a lesser identity. */
import { AttestorError } from '../../src/attestation/plugin.ts';
import { NoList, TooLarge } from './item-splitter.ts';
import { ListTooLarge } from './list-reader.ts';

export type K8sReason =
  | 'POD_UNKNOWN'
  | 'POD_UNPROVEN'
  | 'POD_CONFLICT'
  | 'POD_UNUSABLE'
  | 'NAMESPACE_UNKNOWN'
  | 'NAMESPACE_UNUSABLE'
  | 'RUNTIME_FAILED'
  | 'K8S_UNREACHABLE'
  | 'K8S_TIMEOUT'
  | 'K8S_TLS'
  | 'K8S_UNAUTHENTICATED'
  | 'K8S_FORBIDDEN'
  | 'K8S_ANSWER_INVALID'
  | 'K8S_ANSWER_TOO_LARGE'
  | 'K8S_CREDENTIALS';

export class K8sError extends AttestorError {
  readonly reason: K8sReason;
  /** What happened. */
  readonly text: string;
  /** What to do next. */
  readonly hint: string;

  constructor(reason: K8sReason, text: string, hint: string, cause?: unknown) {
    super(`${text}; ${hint}`, cause);
    this.reason = reason;
    this.text = text;
    this.hint = hint;
  }
}

/** Nothing could be learnt of pods, or of namespaces. `passing`: the next request may well succeed, so that who waits goes on waiting. */
export class Trouble extends K8sError {
  readonly passing: boolean;

  constructor(reason: K8sReason, text: string, hint: string, rest: { passing: boolean; cause?: unknown }) {
    super(reason, text, hint, rest.cause);
    this.passing = rest.passing;
  }
}

const LASTS = { passing: false };
const PASSES = { passing: true };
/** What is asked for, which key names the CA of whoever is asked, and whom its certificate must name. */
interface About {
  readonly things: string;
  readonly caField?: string;
  readonly serverName?: string;
}

const ASKED = { right: 'the right to list pods', things: 'pods' };
const WRONG_ADDRESS = 'is that the right address and port?';

/** `what`: `the kubelet at 127.0.0.1:10250`. `things`: what is asked for. */
export function statusTrouble(
  what: string,
  status: number,
  { right, things }: { readonly right: string; readonly things: string } = ASKED,
): Trouble {
  if (status === 401)
    return new Trouble(
      'K8S_UNAUTHENTICATED',
      `${what} does not know the daemon (401)`,
      'is its token expired, or of another cluster?',
      LASTS,
    );
  if (status === 403)
    return new Trouble(
      'K8S_FORBIDDEN',
      `${what} does not let the daemon list ${things} (403)`,
      `it needs ${right}`,
      LASTS,
    );
  const passing = status === 429 || status >= 500;
  return new Trouble('K8S_ANSWER_INVALID', `${what} answered with status ${status}`, WRONG_ADDRESS, { passing });
}

export function timeoutTrouble(what: string, timeoutMs: number): Trouble {
  return new Trouble(
    'K8S_TIMEOUT',
    `${what} did not answer within ${timeoutMs} ms`,
    'is it running, and not overloaded?',
    PASSES,
  );
}

/** `field`: the key below `attestors.k8s` that named the file. */
export function credentialsTrouble(field: string, why: string, cause?: unknown): Trouble {
  return new Trouble('K8S_CREDENTIALS', why, `see attestors.k8s.${field}`, { ...LASTS, cause });
}

export function troubleOf(what: string, error: unknown, about: About = ASKED): Trouble {
  if (error instanceof Trouble) return error;
  const { things, caField = 'ca_path', serverName = 'its host' } = about;
  if (error instanceof TooLarge || error instanceof ListTooLarge) {
    const text = `the list of ${things} of ${what} is too large: ${error.message}`;
    return new Trouble('K8S_ANSWER_TOO_LARGE', text, 'docs/limits.md has the ceilings', LASTS);
  }
  if (error instanceof NoList) return noList(what, things, error.message, error);
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  if (OF_TLS.test(code)) {
    const hint = code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? `its certificate must name ${serverName}` : `see ${caField}`;
    return new Trouble('K8S_TLS', `${what} did not prove to be the right one (${code})`, hint, {
      ...LASTS,
      cause: error,
    });
  }
  if (code.startsWith('HPE_')) return noList(what, things, 'it is no HTTP', error);
  return new Trouble(
    'K8S_UNREACHABLE',
    `${what} cannot be reached (${code})`,
    'is it running, and is that its address?',
    {
      ...PASSES,
      cause: error,
    },
  );
}

function noList(what: string, things: string, why: string, cause: unknown): Trouble {
  const text = `the answer of ${what} is no list of ${things}: ${why}`;
  return new Trouble('K8S_ANSWER_INVALID', text, WRONG_ADDRESS, { ...LASTS, cause });
}

/** Codes of Node's TLS and of OpenSSL's verification (Node documentation, "X509 certificate error codes"). */
const OF_TLS =
  /^ERR_(?:TLS|SSL|OSSL)|CERT|SIGNATURE|ISSUER|CRL|CHAIN|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|^EPROTO$/;
