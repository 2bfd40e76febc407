// SPDX-License-Identifier: Apache-2.0
/** Pods of the test bed's node: made of its one image, on the host's network, with the machine's root at `/host`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BUSYBOX, type Container } from './docker.ts';
import { type AsWhom, type InsideCaller, PATIENCE_MS } from './inside-caller.ts';
import type { Kubernetes } from './kubernetes.ts';
import { ApiRefused, freshName } from './kubernetes-api.ts';

export interface PodContainer {
  readonly name: string;
  readonly image?: string;
  /** Sleeps until it is told to end unless given. */
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface PodOptions {
  /** A fresh one unless given. */
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
  /** References to what made it; the kubelet hears of no later ones. */
  readonly owners?: readonly object[];
  /** One called `main` unless given. */
  readonly containers?: readonly PodContainer[];
  readonly initContainers?: readonly PodContainer[];
  /** Further members of the pod's `spec`. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** For all its containers to run: true unless told otherwise. */
  readonly wait?: boolean;
}

export interface PodMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ContainerStatus {
  readonly name: string;
  readonly containerID?: string;
  readonly image: string;
  readonly imageID: string;
  readonly restartCount: number;
  readonly state: { readonly running?: object; readonly terminated?: object; readonly waiting?: { reason: string } };
}

export interface PodObject {
  readonly metadata: PodMetadata;
  readonly spec: { readonly containers: readonly { name: string }[] };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly ephemeralContainerStatuses?: readonly ContainerStatus[];
  };
}

export class Pod {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly #kubernetes: Kubernetes;

  constructor(kubernetes: Kubernetes, { name, namespace, uid }: PodMetadata) {
    this.#kubernetes = kubernetes;
    this.name = name;
    this.namespace = namespace;
    this.uid = uid;
  }

  /** What the API server knows of it now. */
  object(): Promise<PodObject> {
    return this.#kubernetes.api('GET', this.#path);
  }

  /** Resolves with the pod when this holds of it. */
  async until(what: string, holds: (pod: PodObject) => boolean): Promise<PodObject> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const pod = await this.object();
      if (holds(pod)) return pod;
      if (Date.now() > deadline) throw new Error(`pod ${this.name}: not ${what}: ${JSON.stringify(pod.status)}`);
      await sleep(100);
    }
  }

  /** All of its containers, or the one of that name (init and ephemeral ones too). */
  async running(container?: string): Promise<PodObject> {
    return this.until(`running${container === undefined ? '' : ` ${container}`}`, (pod) =>
      container === undefined
        ? pod.spec.containers.every(({ name }) => statusOf(pod, name)?.state.running)
        : statusOf(pod, container)?.state.running !== undefined,
    );
  }

  /** The running container of that name, at the engine. */
  async container(name = 'main'): Promise<Container> {
    const id = statusOf(await this.running(name), name)?.containerID;
    return this.#kubernetes.docker.container(String(id).replace(/^docker:\/\//, ''));
  }

  async caller(container?: string, who?: AsWhom): Promise<InsideCaller> {
    return (await this.container(container)).caller(who);
  }

  /** Adds one and waits until it runs. */
  async addEphemeralContainer(name: string, command: readonly string[] = ['sleep', '1000000']): Promise<Container> {
    // In Kubernetes 1.20 a list to be read, lengthened and put back, of a kind of its own.
    const path = `${this.#path}/ephemeralcontainers`;
    const list = await this.#kubernetes.api<{ ephemeralContainers?: object[] }>('GET', path);
    const added = { name, image: BUSYBOX, imagePullPolicy: 'Never', command, volumeMounts: [HOST_MOUNT] };
    await this.#kubernetes.api('PUT', path, {
      ...list,
      ephemeralContainers: [...(list.ephemeralContainers ?? []), added],
    });
    return this.container(name);
  }

  /** Sets labels, and takes those away that are null. */
  async relabel(labels: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#kubernetes.api('PATCH', this.#path, { metadata: { labels } });
  }

  /**
   * Idempotent; resolves when the API server has forgotten it and its containers are gone from the engine. With grace
   * the kubelet of 1.20 takes up to 15 s, because it reports what has ended every 10 s.
   */
  async delete(graceSeconds = 0): Promise<void> {
    try {
      await this.#kubernetes.api('DELETE', this.#path, {
        gracePeriodSeconds: graceSeconds,
        preconditions: { uid: this.uid },
      });
    } catch (error) {
      // 409: another pod has that name by now.
      if (!(error instanceof ApiRefused) || ![404, 409].includes(error.status)) throw error;
    }
    await this.#forgotten();
  }

  async #forgotten(): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    const filters = encodeURIComponent(JSON.stringify({ label: [`io.kubernetes.pod.uid=${this.uid}`] }));
    for (;;) {
      const known = await this.object().then(
        (pod) => pod.metadata.uid === this.uid,
        () => false,
      );
      const left = await this.#kubernetes.docker.request<object[]>('GET', `/containers/json?filters=${filters}`);
      if (!known && left.length === 0) return;
      if (Date.now() > deadline) throw new Error(`pod ${this.name} is still there`);
      await sleep(100);
    }
  }

  get #path(): string {
    return `/api/v1/namespaces/${this.namespace}/pods/${this.name}`;
  }
}

const HOST_MOUNT = { name: 'host', mountPath: '/host' };

/** What a pod needs where there is no scheduler, no controller and no pod network. */
export function podObject(
  options: PodOptions,
  nodeName: string,
): {
  readonly metadata: Omit<PodMetadata, 'uid'>;
  readonly spec: object;
} {
  const { name = freshName('pod'), namespace = 'default', labels = {}, annotations = {} } = options;
  const { containers = [{ name: 'main' }], initContainers = [] } = options;
  const type = { apiVersion: 'v1', kind: 'Pod' };
  const metadata = { name, namespace, labels, annotations, ownerReferences: options.owners ?? [] };
  return {
    ...type,
    metadata,
    spec: {
      nodeName,
      hostNetwork: true,
      automountServiceAccountToken: false,
      serviceAccountName: options.serviceAccount ?? 'default',
      terminationGracePeriodSeconds: 1,
      restartPolicy: 'Never',
      volumes: [{ name: 'host', hostPath: { path: '/' } }],
      containers: containers.map(containerObject),
      initContainers: initContainers.map(containerObject),
      ...options.spec,
    },
  };
}

function containerObject({ name, image = BUSYBOX, command, env = {} }: PodContainer): object {
  return {
    name,
    image,
    imagePullPolicy: 'Never',
    // Ends when it is told to, so that nobody waits until it is killed.
    command: command ?? ['sh', '-c', "trap 'exit 0' TERM; sleep 1000000 & wait"],
    env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
    volumeMounts: [HOST_MOUNT],
  };
}

export function statusOf({ status }: PodObject, container: string): ContainerStatus | undefined {
  const all = [status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses];
  return all.flatMap((some) => some ?? []).find(({ name }) => name === container);
}
