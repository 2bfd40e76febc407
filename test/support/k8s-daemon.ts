// SPDX-License-Identifier: Apache-2.0
/** A real daemon that asks the kubelet of a real node, and what callers in its pods get of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll } from '@jest/globals';
import type { CallRecord } from './call-record.ts';
import { Daemon } from './daemon.ts';
import type { InsideCaller } from './inside-caller.ts';
import type { Kubernetes } from './kubernetes.ts';

const WORD = new Map([
  [14, 'UNAVAILABLE'],
  [7, 'PERMISSION_DENIED'],
]);
const ID = 'spiffe://example.org/';

export interface K8sDaemonOptions {
  /** Instead of the token: `insecure_read_only_port: 10255`. */
  readonly kubelet?: string;
  /** Further keys of the block. */
  readonly more?: string;
  /** Further lines of the configuration file. */
  readonly config?: readonly string[];
}

export class K8sDaemon {
  readonly kubernetes: Kubernetes;
  /** Of the credentials that the daemon reads. */
  readonly folder = mkdtempSync(join(tmpdir(), 'assay-k8s-'));
  #account: string | undefined;
  #daemon: Daemon | undefined;

  constructor(kubernetes: Kubernetes) {
    this.kubernetes = kubernetes;
  }

  /** Up before the tests of the `describe`, down afterwards. */
  static forTests(kubernetes: Kubernetes, options: K8sDaemonOptions = {}): K8sDaemon {
    const made = new K8sDaemon(kubernetes);
    beforeAll(() => made.start(options), 120_000);
    afterAll(() => made.close(), 60_000);
    return made;
  }

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error('the daemon has not been started');
    return this.#daemon;
  }

  /** The service account whose token the daemon uses. */
  get account(): string {
    if (this.#account === undefined) throw new Error('the service account has not been made');
    return this.#account;
  }

  get tokenPath(): string {
    return join(this.folder, 'token');
  }

  get caPath(): string {
    return join(this.folder, 'ca.crt');
  }

  async start({ kubelet, more = '', config = [] }: K8sDaemonOptions): Promise<void> {
    const { node } = this.kubernetes;
    this.#account = await this.kubernetes.createServiceAccount();
    await this.kubernetes.grantNodesProxy({ serviceAccount: this.#account });
    writeFileSync(this.caPath, node.kubeletCa);
    await this.rotate(600);
    const keys = [
      `node_name: ${node.nodeName}`,
      kubelet ?? `kubelet_url: "${node.kubelet}", ca_path: ${this.caPath}, token_path: ${this.tokenPath}`,
      more,
    ];
    const block = keys.filter((one) => one !== '').join(', ');
    this.#daemon = await Daemon.start({ config: [`attestors: { unix: {}, k8s: { ${block} } }`, ...config] });
  }

  /** Lets the daemon's service account watch these at the API server; the function takes that back. */
  async grantWatch(resource: 'pods' | 'namespaces'): Promise<() => Promise<void>> {
    const [rbac, name] = ['/apis/rbac.authorization.k8s.io/v1', `${this.account}-${resource}`];
    const rules = [{ apiGroups: [''], resources: [resource], verbs: ['list', 'watch'] }];
    await this.kubernetes.api('POST', `${rbac}/clusterroles`, { metadata: { name }, rules });
    await this.kubernetes.api('POST', `${rbac}/clusterrolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name: this.account, namespace: 'default' }],
    });
    return async () => {
      for (const what of ['clusterrolebindings', 'clusterroles'])
        await this.kubernetes.api('DELETE', `${rbac}/${what}/${name}`);
    };
  }

  /** Gives the daemon another token, as the kubelet does with those that it mounts. */
  async rotate(lifetimeSeconds: number): Promise<void> {
    writeFileSync(this.tokenPath, await this.kubernetes.signToken(this.account, lifetimeSeconds));
  }

  /** Registers `spiffe://example.org/PATH`; gives the entry's id. */
  async entry(path: string, ...selectors: readonly string[]): Promise<string> {
    const { id } = await this.daemon.admin.createEntry({ spiffe_id: `${ID}${path}`, selectors });
    return String(id);
  }

  async forget(id: string): Promise<void> {
    await this.daemon.admin.call('DeleteEntry', { id });
  }

  /** What a new call of this caller comes to: the paths of its identities, or why it has none. */
  async given(caller: InsideCaller): Promise<string> {
    const call = this.call(caller);
    const given = await this.first(call);
    caller.cancel(call);
    return given;
  }

  /** The same when the first answer may depend on what the kubelet has not been told yet. */
  async becomes(caller: InsideCaller, wanted: string): Promise<void> {
    for (let given = ''; ; await sleep(200)) {
      given = await this.given(caller);
      if (given === wanted) return;
    }
  }

  call(caller: InsideCaller): CallRecord {
    return caller.call(this.daemon.workloadSocket);
  }

  first(call: CallRecord): Promise<string> {
    const refused = call.end.then(({ code }) => WORD.get(code) ?? String(code));
    return Promise.race([call.at(1).then(pathsOf, () => refused), refused]);
  }

  async close(): Promise<void> {
    await this.#daemon?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function pathsOf(message: { readonly svids: readonly { readonly spiffe_id: string }[] }): string {
  return message.svids.map(({ spiffe_id }) => spiffe_id.replace(ID, '')).join(' ');
}
