// SPDX-License-Identifier: Apache-2.0
/** Requests of a Kubernetes API server and of a kubelet, as whoever a test wants to be. */
import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import type { DockerEngine } from './docker.ts';
import { PATIENCE_MS } from './inside-caller.ts';

export interface KubernetesNode {
  /** The administrator's client and its configuration, as paths. */
  readonly kubectl: string;
  readonly kubeconfig: string;
  readonly nodeName: string;
  readonly apiServer: string;
  readonly apiServerCa: string;
  readonly adminToken: string;
  readonly kubelet: string;
  readonly kubeletReadOnly: string;
  readonly kubeletCa: string;
  /** Files of the authority whose client certificates the kubelet takes. */
  readonly clientCa: { readonly certificate: string; readonly key: string };
  /** The key that signs the tokens of service accounts. */
  readonly serviceAccountKey: string;
  /** The kubelet runs whatever Pod is put here as a file. */
  readonly staticPods: string;
  /** The engine that its containers run on. */
  readonly engine: DockerEngine;
}

/** How to be known to the API server or the kubelet. */
export type Credential =
  | { readonly token: string }
  | { readonly certificate: string; readonly key: string }
  | { readonly anonymous: true };

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export class ApiRefused extends Error {
  readonly status: number;

  constructor(method: string, path: string, status: number, text: string) {
    super(`kubernetes ${method} ${path}: ${status} ${text.trim()}`);
    this.status = status;
  }
}

export const freshName = (what: string): string => `assay-${what}-${randomBytes(5).toString('hex')}`;

export interface HttpsRequest {
  readonly url: string;
  readonly method: string;
  readonly ca: string;
  readonly credential: Credential;
  readonly serverName?: string;
  readonly body?: object;
  readonly timeoutMs?: number;
}

/** Whatever the status. */
export function askHttps({
  url,
  method,
  ca,
  credential,
  serverName,
  body,
  timeoutMs = PATIENCE_MS,
}: HttpsRequest): Promise<Answer> {
  const json = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const options = {
    method,
    ca,
    agent: false,
    timeout: timeoutMs,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...('key' in credential ? { cert: credential.certificate, key: credential.key } : {}),
    headers: {
      ...('token' in credential ? { authorization: `Bearer ${credential.token}` } : {}),
      ...(json ? { 'content-type': contentType(method), 'content-length': json.length } : {}),
    },
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${url}`)));
    sent.on('error', reject);
    sent.end(json);
  });
}

const contentType = (method: string): string =>
  method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
