// SPDX-License-Identifier: Apache-2.0
/**
 * GET from a kubelet or an API server: over TLS, whose certificate is checked against the configured CA and for the configured
 * name, with a token or a client certificate. The files are read anew for each request, so that a rotated token or key is used
 * at once; a connection lives on while they stay as they are.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { checkServerIdentity } from 'node:tls';
import type { Clock } from '../../src/attestation/plugin.ts';
import { withinTime } from './time-limit.ts';
import { credentialsTrouble, statusTrouble, timeoutTrouble, troubleOf } from './trouble.ts';

/** The text of a file that decides whom to believe. Rejects, in words for the operator, when others could have written it. */
export type ReadFile = (path: string, field: string, mostBytes: number) => Promise<string>;

export interface ApiAccess {
  /** `the kubelet`, for errors. */
  readonly what: string;
  /** What it is asked for: `pods`. */
  readonly things: string;
  /** What a caller needs to be allowed: `get on nodes/proxy`. */
  readonly right: string;
  /** False: a port without TLS, where anybody on the node may answer (attack A13). */
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Whom the certificate must name. */
  readonly serverName: string;
  /** Undefined: whoever answers is believed (attack A13). */
  readonly caPath: string | undefined;
  /** The key below `attestors.k8s` that names it: `ca_path`. */
  readonly caField?: string;
  readonly tokenPath: string | undefined;
  readonly certificatePath: string | undefined;
  readonly privateKeyPath: string | undefined;
}

export interface ApiTools {
  readonly readFile: ReadFile;
  readonly clock: Clock;
}

interface Credentials {
  readonly token: string | undefined;
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

const NO_CREDENTIALS: Credentials = { token: undefined, ca: undefined, cert: undefined, key: undefined };

/** A service account token has some 1 KB, a bundle of a cluster's CAs some 10 KB. */
const TOKEN_BYTES = 64 << 10;
const PEM_BYTES = 1 << 20;

export class ApiClient {
  readonly #access: ApiAccess;
  readonly #tools: ApiTools;
  #agent: Agent | HttpAgent | undefined;
  #agentOf: string | undefined;
  #session = 0;

  constructor(access: ApiAccess, tools: ApiTools) {
    this.#access = access;
    this.#tools = tools;
  }

  get name(): string {
    const { what, host, port } = this.#access;
    return `${what} at ${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /**
   * What `read` makes of the answer's body, and a number that stays the same as long as one connection does, and so one run of
   * the server. Rejects with a Trouble, also when the whole takes longer than `timeoutMs`; with the signal's reason.
   */
  async get<T>(
    path: string,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number | undefined },
    read: (body: AsyncIterable<Buffer>) => Promise<T>,
  ): Promise<{ readonly value: T; readonly session: number }> {
    const { signal, timeoutMs } = options;
    const failed = (error: unknown, late: boolean): unknown =>
      late ? timeoutTrouble(this.name, timeoutMs as number) : troubleOf(this.name, error, this.#access);
    const ask = async (inner: AbortSignal) => {
      const { response, session } = await this.#send(path, inner);
      return { value: await read(response), session };
    };
    return withinTime({ clock: this.#tools.clock, ms: timeoutMs, signal }, ask, failed);
  }

  close(): void {
    this.#agent?.destroy();
  }

  async #send(path: string, signal: AbortSignal): Promise<{ response: IncomingMessage; session: number }> {
    const credentials = await this.#credentials();
    const agent = this.#agentFor(credentials);
    const { secure, host, port } = this.#access;
    const headers = {
      accept: 'application/json',
      ...(credentials.token === undefined ? {} : { authorization: `Bearer ${credentials.token}` }),
    };
    const sent = (secure ? request : httpRequest)({ host, port, path, method: 'GET', agent, headers, signal });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve).once('error', reject).end();
    });
    if (!sent.reusedSocket) this.#session += 1;
    const session = this.#session;
    // A redirect is not followed: it would take the token along to wherever it says.
    if (response.statusCode === 200) return { response, session };
    throw statusTrouble(this.name, response.statusCode ?? 0, this.#access);
  }

  async #credentials(): Promise<Credentials> {
    const { secure, caPath, caField = 'ca_path', tokenPath, certificatePath, privateKeyPath } = this.#access;
    // guard: A13 test/attestors/k8s/api-client.test.ts — on a port without TLS anybody may listen, or answer
    if (!secure) return NO_CREDENTIALS;
    const [ca, token, cert, key] = await Promise.all([
      this.#file(caPath, caField, PEM_BYTES),
      this.#file(tokenPath, 'token_path', TOKEN_BYTES),
      this.#file(certificatePath, 'certificate_path', PEM_BYTES),
      this.#file(privateKeyPath, 'private_key_path', PEM_BYTES),
    ]);
    // guard: A13 test/attestors/k8s/api-client.test.ts — without a CA of ours, Node would believe every public one
    if (ca !== undefined) checkPem(ca, caPath, caField);
    return { ca, cert, key, token: token === undefined ? undefined : checkedToken(token, tokenPath) };
  }

  async #file(path: string | undefined, field: string, mostBytes: number): Promise<string | undefined> {
    try {
      return path === undefined ? undefined : await this.#tools.readFile(path, field, mostBytes);
    } catch (cause) {
      throw credentialsTrouble(field, (cause as Error).message, cause);
    }
  }

  #agentFor({ ca, cert, key }: Credentials): Agent | HttpAgent {
    const of = JSON.stringify([ca, cert, key]);
    if (this.#agent !== undefined && this.#agentOf === of) return this.#agent;
    this.#agent?.destroy();
    this.#agentOf = of;
    const { secure, serverName } = this.#access;
    const keep = { keepAlive: true, maxSockets: 2 };
    if (!secure) this.#agent = new HttpAgent(keep);
    else {
      this.#agent = new Agent({
        ...keep,
        minVersion: 'TLSv1.2',
        // A resumed session is not verified against what the CA file says now.
        maxCachedSessions: 0,
        servername: IP_ADDRESS.test(serverName) ? '' : serverName,
        checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
        rejectUnauthorized: ca !== undefined,
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      });
    }
    return this.#agent;
  }
}

/** No name of a server (RFC 6066, section 3). */
const IP_ADDRESS = /:|^\d+\.\d+\.\d+\.\d+$/;

function checkPem(text: string, path: string | undefined, field: string): void {
  if (text.includes('-----BEGIN CERTIFICATE-----')) return;
  throw credentialsTrouble(field, `${path} holds no certificate in PEM`);
}

function checkedToken(text: string, path: string | undefined): string {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw credentialsTrouble('token_path', `${path} holds no token, which is one line of printable ASCII`);
}
