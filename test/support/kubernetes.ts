// SPDX-License-Identifier: Apache-2.0
/** A real Kubernetes node for tests: its API server with the administrator's token, tokens and certificates for its kubelet. */
import { createSign, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from '@jest/globals';
import { bed, run } from './bed.ts';
import { Docker } from './docker.ts';
import { PATIENCE_MS } from './inside-caller.ts';
import {
  type Answer,
  ApiRefused,
  askHttps,
  type Credential,
  freshName,
  type KubernetesNode,
} from './kubernetes-api.ts';
import { LastWill } from './last-will.ts';
import { Pod, type PodObject, type PodOptions, podObject } from './pod.ts';

export type Subject =
  | { readonly serviceAccount: string; readonly namespace?: string }
  | { readonly user: string }
  | { readonly group: string };

export class Kubernetes {
  readonly node: KubernetesNode;
  readonly docker: Docker;
  readonly #pods = new Set<Pod>();
  readonly #paths = new Set<string>();
  readonly #files = new Set<string>();
  readonly #will = new LastWill();

  constructor(node: KubernetesNode) {
    this.node = node;
    this.docker = new Docker(node.engine);
  }

  /** What is made here is deleted after the tests of the file or of the `describe`. */
  static forTests(node: KubernetesNode): Kubernetes {
    const kubernetes = new Kubernetes(node);
    afterAll(() => kubernetes.deleteAll(), 2 * PATIENCE_MS);
    return kubernetes;
  }

  /** One request of the API as the administrator. Throws for every status but 2xx. */
  async api<Object>(method: string, path: string, body?: object): Promise<Object> {
    const { status, text } = await this.ask(method, path, { token: this.node.adminToken }, body);
    if (status < 200 || status > 299) throw new ApiRefused(method, path, status, text);
    return JSON.parse(text) as Object;
  }

  /** One request of the API as anybody, whatever the status. */
  ask(method: string, path: string, credential: Credential, body?: object): Promise<Answer> {
    const { apiServer, apiServerCa } = this.node;
    return askHttps({ url: apiServer + path, method, ca: apiServerCa, credential, ...(body ? { body } : {}) });
  }

  /** One request of the kubelet, whatever the status. */
  askKubelet(path: string, credential: Credential): Promise<Answer> {
    const { kubelet, kubeletCa, nodeName } = this.node;
    return askHttps({ url: kubelet + path, method: 'GET', ca: kubeletCa, serverName: nodeName, credential });
  }

  /** Creates a pod on the node and waits until its containers run, unless told not to. */
  async createPod(options: PodOptions = {}): Promise<Pod> {
    const wanted = podObject(options, this.node.nodeName);
    const { namespace } = wanted.metadata;
    const made = await this.api<PodObject>('POST', `/api/v1/namespaces/${namespace}/pods`, wanted);
    const pod = new Pod(this, made.metadata);
    this.#pods.add(pod);
    this.#bequeath('pod', pod.name, '--namespace', namespace, '--force', '--grace-period=0');
    if (options.wait ?? true) await pod.running();
    return pod;
  }

  /**
   * A pod that the kubelet runs because of a file, and its mirror in the API, which has another uid; waits until it
   * runs. Gone some time after the function that comes with it, or with the tests.
   */
  async createStaticPod(options: PodOptions = {}): Promise<{ mirror: Pod; remove(): void }> {
    const wanted = podObject(options, this.node.nodeName);
    const { name, namespace } = wanted.metadata;
    const file = join(this.node.staticPods, `${namespace}-${name}.json`);
    writeFileSync(file, JSON.stringify(wanted));
    this.#files.add(file);
    this.#will.add('rm', '-f', file);
    const mirror = await this.#known(`${name}-${this.node.nodeName}`, namespace);
    await mirror.running();
    return { mirror, remove: () => rmSync(file, { force: true }) };
  }

  /** A namespace of the test's own; no controller empties it, so delete its pods yourself or with the test. */
  async createNamespace(name = freshName('ns')): Promise<string> {
    await this.api('POST', '/api/v1/namespaces', { metadata: { name } });
    return name;
  }

  /** Adds labels to a namespace, or takes those away whose value is null. */
  async relabelNamespace(name: string, labels: Readonly<Record<string, string | null>>): Promise<void> {
    await this.api('PATCH', `/api/v1/namespaces/${name}`, { metadata: { labels } });
  }

  async createServiceAccount(name = freshName('account'), namespace = 'default'): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await this.api('POST', path, { metadata: { name } });
    this.#paths.add(`${path}/${name}`);
    return name;
  }

  /** Lets somebody read the kubelet's API (`get` on `nodes/proxy`); the function takes that back. */
  async grantNodesProxy(subject: Subject): Promise<() => Promise<void>> {
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    const [name, group] = [freshName('nodes-proxy'), 'rbac.authorization.k8s.io'];
    const rules = [{ apiGroups: [''], resources: ['nodes/proxy'], verbs: ['get'] }];
    await this.api('POST', `${rbac}/clusterroles`, { metadata: { name }, rules });
    await this.api('POST', `${rbac}/clusterrolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: group, kind: 'ClusterRole', name },
      subjects: [subjectObject(subject, group)],
    });
    const paths = [`${rbac}/clusterrolebindings/${name}`, `${rbac}/clusterroles/${name}`];
    for (const path of paths) this.#paths.add(path);
    return async () => {
      for (const path of paths) await this.#delete(path);
    };
  }

  /** A token by TokenRequest. Kubernetes allows no life below ten minutes; `signToken` does. */
  async requestToken(serviceAccount: string, lifetimeSeconds = 600, namespace = 'default'): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
    const spec = { audiences: [], expirationSeconds: lifetimeSeconds };
    const { status } = await this.api<{ status: { token: string } }>('POST', path, { spec });
    return status.token;
  }

  /**
   * A token like those, signed with the API server's key, of any life, also one that is over. The API server takes it for
   * a minute more (the leeway of go-jose), then for up to 10 s what it remembers, and the kubelet for one more.
   */
  async signToken(serviceAccount: string, lifetimeSeconds: number, namespace = 'default'): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}`;
    const { metadata } = await this.api<{ metadata: { uid: string } }>('GET', path);
    const issuer = 'https://kubernetes.default.svc';
    const now = Math.floor(Date.now() / 1000);
    const begins = Math.min(now, now + lifetimeSeconds - 1);
    const parts = [
      { alg: 'RS256', typ: 'JWT' },
      {
        iss: issuer,
        aud: [issuer],
        sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
        iat: begins,
        nbf: begins,
        exp: now + lifetimeSeconds,
        'kubernetes.io': { namespace, serviceaccount: { name: serviceAccount, uid: metadata.uid } },
      },
    ];
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${text}.${createSign('RSA-SHA256').update(text).sign(this.node.serviceAccountKey).toString('base64url')}`;
  }

  /** A client certificate (PEM, with its key) that the kubelet and the API server take for this user and groups. */
  async clientCertificate(user: string, groups: readonly string[] = []): Promise<{ certificate: string; key: string }> {
    const folder = mkdtempSync(join(tmpdir(), 'assay-client-'));
    const at = (name: string): string => join(folder, name);
    const subject = `${groups.map((group) => `/O=${group}`).join('')}/CN=${user}`;
    const { certificate, key } = this.node.clientCa;
    try {
      await openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', subject, '-keyout', at('key'), '-out', at('csr'));
      const serial = `0x${randomBytes(8).toString('hex')}`;
      const authority = ['-CA', certificate, '-CAkey', key, '-set_serial', serial, '-days', '1'];
      await openssl('x509', '-req', '-in', at('csr'), ...authority, '-out', at('crt'));
      return { certificate: readFileSync(at('crt'), 'utf8'), key: readFileSync(at('key'), 'utf8') };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** For tests that have the node alone. */
  async kubelet(what: 'stop' | 'start' | 'pause' | 'resume'): Promise<void> {
    await bed('k8s', 'kubelet', what);
  }

  async deleteAll(): Promise<void> {
    for (const file of this.#files) rmSync(file, { force: true });
    this.#files.clear();
    const pods = [...this.#pods];
    this.#pods.clear();
    await Promise.all(pods.map((pod) => pod.delete()));
    for (const path of this.#paths) await this.#delete(path);
    this.#paths.clear();
    this.#will.revoke();
  }

  #bequeath(...words: readonly string[]): void {
    const { kubectl, kubeconfig } = this.node;
    this.#will.add(kubectl, '--kubeconfig', kubeconfig, 'delete', ...words);
  }

  async #known(name: string, namespace: string): Promise<Pod> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
      const found = await this.api<PodObject>('GET', path).catch((error: Error) => error);
      if (!(found instanceof Error)) return new Pod(this, found.metadata);
      if (Date.now() > deadline) throw found;
      await sleep(200);
    }
  }

  async #delete(path: string): Promise<void> {
    await this.api('DELETE', path).catch((error: unknown) => {
      if (!(error instanceof ApiRefused) || error.status !== 404) throw error;
    });
  }
}

function subjectObject(subject: Subject, apiGroup: string): object {
  if ('serviceAccount' in subject)
    return { kind: 'ServiceAccount', name: subject.serviceAccount, namespace: subject.namespace ?? 'default' };
  if ('user' in subject) return { apiGroup, kind: 'User', name: subject.user };
  return { apiGroup, kind: 'Group', name: subject.group };
}

async function openssl(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(['openssl', ...args]);
  if (code !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
}
