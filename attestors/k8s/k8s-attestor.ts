// SPDX-License-Identifier: Apache-2.0
/**
 * Which pod and container a process is in, as the kubelet has them on record. The cgroup says which pod to look for, the tree
 * and the runtime prove it, the kubelet's list tells what the pod is. Facts are followed while a stream rests on them.
 */
import type {
  Attestation,
  Attestor,
  AttestorHealth,
  Clock,
  Facts,
  FoundSelector,
  LeftOut,
  ProcessHandle,
} from '../../src/attestation/plugin.ts';
import { type LabelsFound, type NamespaceLabels, NO_LABELS } from './namespace-labels.ts';
import { type Container, isUsable, type Pod, type UnusablePod } from './pod.ts';
import type { PodBook } from './pod-book.ts';
import type { ListedPod } from './pod-list.ts';
import { type PodPlace, placementOf } from './pod-place.ts';
import type { PodProof } from './proof.ts';
import { CONTAINER_KINDS, kinds, STATUS_KINDS, type StatusKind } from './selectors.ts';
import type { SharedIndex } from './shared-index.ts';
import { K8sError, type Trouble } from './trouble.ts';

export type PodIndex = SharedIndex<ListedPod, PodBook>;

export interface K8sAttestorOptions {
  readonly index: PodIndex;
  /** Undefined: they are no selectors here. */
  readonly namespaceLabels: NamespaceLabels | undefined;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly proof: PodProof;
  readonly cgroupRoot: string;
  readonly containerSelectors: boolean;
  /** Does an entry name a selector of this kind now? */
  readonly isNamed: (kind: StatusKind) => boolean;
}

/** What a look is about, and what is known of it before the kubelet is asked. */
interface Question extends PodPlace {
  /** The container's, as the runtime has it. */
  readonly recordedName: string | undefined;
}

/** `container` is undefined while the kubelet has not listed it. */
type Found = { readonly pod: Pod; readonly container: Container | undefined } | 'deleted';

export function k8sAttestor(options: K8sAttestorOptions): Attestor {
  const { index, namespaceLabels } = options;
  return {
    name: 'k8s',
    kinds: kinds(namespaceLabels !== undefined),
    attest: (process, signal, everything = false) => attest({ process, signal, everything }, options),
    onChange(listener) {
      const undo = [index.onChange(listener), namespaceLabels?.onChange(listener)];
      return () => {
        for (const one of undo) one?.();
      };
    },
    restedOn(ground, resting) {
      if (namespaceLabels?.restedOn(ground, resting) !== true) index.restedOn(ground, resting);
    },
    health: () => health(index, namespaceLabels?.trouble),
    close: async () => {
      index.close();
      namespaceLabels?.close();
    },
  };
}

interface Look {
  readonly process: ProcessHandle;
  readonly signal: AbortSignal;
  readonly everything: boolean;
}

function health({ lastTrouble, size }: PodIndex, ofNamespaces: Trouble | undefined): AttestorHealth {
  const trouble = lastTrouble ?? ofNamespaces;
  if (trouble !== undefined) return { status: 'fail', text: trouble.text, hint: trouble.hint };
  if (size === undefined) return { status: 'ok', text: 'not asked yet: no caller was in a pod' };
  return { status: 'ok', text: `knows ${size} pods of this node` };
}

async function attest({ process, signal, everything }: Look, options: K8sAttestorOptions): Promise<Attestation> {
  const arrived = options.clock.monotonic();
  const placement = placementOf(await process.cgroups(), options.cgroupRoot);
  if (placement.in === 'no pod') return { applies: false, reason: placement.reason };
  // guard: A10 test/attestors/k8s/k8s-attestor.test.ts
  if (placement.in === 'doubt') throw inDoubt(placement.reason);
  const { place } = placement;
  const proof = await options.proof.prove(process, place, signal);
  // guard: A10 test/attestors/k8s/k8s-attestor.test.ts
  if (!proof.proven) return { applies: false, reason: proof.reason };
  const question: Question = { ...place, recordedName: proof.record?.name };
  // First the namespaces: what is known of the pod must not grow old over them.
  const labelsOf = await options.namespaceLabels?.begin(signal, arrived, everything);
  const found = await options.index.find(
    (book) => lookUp(book, question, options),
    signal,
    () => notListed(place),
    arrived,
  );
  const restsOn = [place.uid];
  if (found === 'deleted') return { applies: false, reason: `its pod ${place.uid} was deleted`, restsOn };
  const labels = (await labelsOf?.(found.pod)) ?? NO_LABELS;
  return { ...describe(found, labels, question, options), restsOn: [...restsOn, ...labels.restsOn] };
}

/** Undefined: not to be told yet. */
function lookUp(book: PodBook, question: Question, options: K8sAttestorOptions): Found | undefined {
  const { uid, containerId, recordedName } = question;
  const pod = podOf(book, question);
  if (pod === undefined) return book.isDeleted(uid) ? 'deleted' : undefined;
  if (!isUsable(pod)) throw unusable(question, pod.unusable);
  // guard: A10 test/attestors/k8s/k8s-attestor.test.ts — pod and container agree, and no other pod has it
  if (book.listing(containerId).some((other) => other !== pod.uid))
    throw conflict(`container ${containerId} is listed for another pod than ${uid}`);
  const container = pod.containers.get(containerId);
  // Before that, its statuses may lack what an entry names: the answer would be a lesser identity (design decision 7).
  // guard: I1 test/attestors/k8s/k8s-attestor.test.ts
  if (container === undefined && kindsToCome(question, options).some(options.isNamed)) return undefined;
  // guard: A10 test/attestors/k8s/k8s-attestor.test.ts
  if (container !== undefined && recordedName !== undefined && container.name !== recordedName)
    throw conflict(`container ${containerId} has another name in the runtime's record`);
  return { pod, container };
}

/** A pod that only claims the cgroup's name, by an annotation, must list the container. */
function podOf(book: PodBook, place: PodPlace): Pod | UnusablePod | undefined {
  const pods = book.called(place.uid);
  const own = pods.find(({ uid }) => uid === place.uid);
  return own ?? pods.find((pod) => isUsable(pod) && pod.containers.has(place.containerId));
}

/** What is not known of a caller before the kubelet lists its container. */
function kindsToCome({ recordedName }: Question, { containerSelectors }: K8sAttestorOptions): readonly StatusKind[] {
  return STATUS_KINDS.filter((kind) => {
    if (!containerSelectors && isContainerKind(kind)) return false;
    return kind !== 'container-name' || recordedName === undefined;
  });
}

function isContainerKind(kind: StatusKind): boolean {
  return (CONTAINER_KINDS as readonly string[]).includes(kind);
}

function describe(
  { pod, container }: Exclude<Found, 'deleted'>,
  labels: LabelsFound,
  question: Question,
  options: K8sAttestorOptions,
) {
  const values = container === undefined ? without(pod.selectors, pod.statusSelectors) : [...pod.selectors];
  if (options.containerSelectors) values.push(...(container?.selectors ?? recorded(question)));
  values.push(...labels.selectors);
  const selectors: FoundSelector[] = values.map((value) => ({ value, strength: 'authority' }));
  const facts = factsOf(pod, container?.name ?? question.recordedName, question);
  return {
    applies: true as const,
    selectors,
    facts,
    leftOut: [...leftOut(container, question, options), ...labels.leftOut],
  };
}

function recorded({ recordedName }: Question): readonly string[] {
  return recordedName === undefined ? [] : [`container-name:${recordedName}`];
}

function leftOut(container: Container | undefined, question: Question, options: K8sAttestorOptions): LeftOut[] {
  const off = options.containerSelectors ? [] : CONTAINER_KINDS;
  const toCome = container === undefined ? kindsToCome(question, options) : [];
  const reason = 'the kubelet has not listed its container yet, and no entry names this kind';
  return [
    ...off.map((kind) => ({ kind, reason: 'attestors.k8s.disable_container_selectors is on' })),
    ...toCome.map((kind) => ({ kind, reason, onDemand: true })),
  ];
}

function factsOf(pod: Pod, containerName: string | undefined, place: PodPlace): Facts {
  return {
    pod_uid: pod.uid,
    pod_name: pod.name,
    namespace: pod.namespace,
    service_account: pod.serviceAccount,
    node_name: pod.nodeName,
    container_id: place.containerId,
    ...(containerName === undefined ? {} : { container_name: containerName }),
  };
}

function without(all: readonly string[], some: readonly string[]): string[] {
  const left = new Set(some);
  return all.filter((one) => !left.has(one));
}

function notListed({ uid, containerId }: PodPlace): K8sError {
  const text = `pod ${uid} is not listed with container ${containerId}`;
  return new K8sError('POD_UNKNOWN', text, 'a pod that has just started is listed within seconds: try again');
}

function unusable({ uid }: PodPlace, why: string): K8sError {
  return new K8sError('POD_UNUSABLE', `nothing can be said of pod ${uid}: ${why}`, 'look at its labels and statuses');
}

function conflict(what: string): K8sError {
  return new K8sError('POD_CONFLICT', `kubelet, runtime and cgroup contradict each other: ${what}`, 'try again');
}

function inDoubt(reason: string): K8sError {
  const hint = 'run the daemon in the cgroup namespace of the node';
  return new K8sError('POD_UNPROVEN', `which pod the caller is in cannot be told: ${reason}`, hint);
}
