// SPDX-License-Identifier: Apache-2.0
/**
 * `attestors.k8s`: whose word on pods is believed, and how the daemon proves itself to it. In the file alone but for the node's
 * name, which differs from machine to machine: whoever names a server or a socket here chooses who says what a process is
 * (attack A13).
 */
import { folderPath, socketPath } from '../paths.ts';
import { Refusal, type Setting, type SettingsReader } from '../reader.ts';
import { flag, text, wholeNumber } from '../settings.ts';
import { type Address, address } from './k8s-address.ts';

export interface K8sAttestorConfig {
  readonly nodeName: string;
  readonly source: 'kubelet' | 'api server';
  readonly address: {
    /** False: the kubelet's read-only port. */
    readonly secure: boolean;
    readonly host: string;
    readonly port: number;
  };
  /** Undefined: whoever answers is believed. */
  readonly caPath: string | undefined;
  readonly tokenPath: string | undefined;
  readonly certificatePath: string | undefined;
  readonly privateKeyPath: string | undefined;
  readonly cgroupRoot: string;
  readonly runtime: { readonly kind: 'docker' | 'cri'; readonly socket: string } | undefined;
  readonly containerSelectors: boolean;
  /** The API server that tells the labels of namespaces, with the credentials above; undefined: they are no selectors. */
  readonly namespaces: (Address & { readonly caPath: string; readonly caField: string }) | undefined;
}

const KEY = 'attestors.k8s';
/** Where Kubernetes mounts them into a pod (Kubernetes docs, "Accessing the Kubernetes API from a Pod"). */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const KUBELET = { host: '127.0.0.1', port: 10_250 };
/** Of a URL that names none. */
const HTTPS_PORT = 443;

/** An object name of Kubernetes: a DNS subdomain (RFC 1123). */
const NODE_NAME = text<string | undefined>(undefined, (name) =>
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/.test(name)
    ? name
    : new Refusal('is no name of a node', 'give it as kubectl get nodes prints it'),
);

const KUBELET_URL = address(KUBELET, KUBELET.port);
const API_SERVER = address(undefined, HTTPS_PORT);

const READ_ONLY_PORT: Setting<number | undefined> = {
  fallback: undefined,
  show: (port) => (port === undefined ? '' : String(port)),
  parse: wholeNumber(10_255, { min: 1, max: 65_535 }).parse,
};

const optional = (setting: Setting<string | undefined>): Setting<string | undefined> => ({
  ...setting,
  show: (path) => path ?? '',
});
const file = (fallback: string | undefined) => optional(folderPath(fallback, 'default'));
const socket = optional(socketPath(undefined, 'default'));

/** Undefined where the block does not name it. */
export function readK8s(reader: SettingsReader): K8sAttestorConfig | undefined {
  const nodeName = reader.read(`${KEY}.node_name`, NODE_NAME);
  const kubelet = reader.readFromFile(`${KEY}.kubelet_url`, KUBELET_URL);
  const apiServer = reader.readFromFile(`${KEY}.api_server`, API_SERVER);
  const port = reader.readFromFile(`${KEY}.insecure_read_only_port`, READ_ONLY_PORT);
  const credentials = readCredentials(reader, port !== undefined);
  const cgroupRoot = reader.readFromFile(`${KEY}.cgroup_root`, file('/')) ?? '/';
  const runtime = readRuntime(reader);
  const containerSelectors = !reader.readFromFile(`${KEY}.disable_container_selectors`, flag(false));
  const namespaces = readNamespaces(reader, apiServer, credentials.caPath, port !== undefined);
  const block = reader.tree('attestors');
  if (block?.kind !== 'map' || !block.members.has('k8s')) return undefined;
  if (nodeName === undefined && !isGiven(reader, 'node_name')) {
    const hint = 'give the name of the node that the daemon runs on, or set ASSAY_ATTESTORS_K8S_NODE_NAME';
    reader.refuse(reader.placeOf(KEY, block.members.get('k8s')?.line), undefined, 'has no node_name', hint);
  }
  if (apiServer !== undefined) {
    for (const key of ['kubelet_url', 'insecure_read_only_port', 'insecure_skip_kubelet_verification'])
      refuseBeside(reader, key, 'api_server');
  }
  return {
    nodeName: nodeName ?? '',
    source: apiServer === undefined ? 'kubelet' : 'api server',
    address:
      port === undefined ? { secure: true, ...(apiServer ?? kubelet) } : { secure: false, host: KUBELET.host, port },
    ...credentials,
    cgroupRoot,
    runtime,
    containerSelectors,
    namespaces,
  };
}

type Credentials = Pick<K8sAttestorConfig, 'caPath' | 'tokenPath' | 'certificatePath' | 'privateKeyPath'>;

function readCredentials(reader: SettingsReader, readOnly: boolean): Credentials {
  const unverified = reader.readFromFile(`${KEY}.insecure_skip_kubelet_verification`, flag(false));
  const caPath = reader.readFromFile(`${KEY}.ca_path`, file(`${SERVICE_ACCOUNT}/ca.crt`));
  const tokenPath = reader.readFromFile(`${KEY}.token_path`, file(`${SERVICE_ACCOUNT}/token`));
  const certificatePath = reader.readFromFile(`${KEY}.certificate_path`, file(undefined));
  const privateKeyPath = reader.readFromFile(`${KEY}.private_key_path`, file(undefined));
  refuseHalf(reader, 'certificate_path', certificatePath, 'private_key_path', privateKeyPath);
  refuseHalf(reader, 'private_key_path', privateKeyPath, 'certificate_path', certificatePath);
  // guard: A13 test/config/k8s.test.ts — what is not checked must not look as if it were
  if (unverified) refuseBeside(reader, 'ca_path', 'insecure_skip_kubelet_verification');
  if (!readOnly) {
    // A default is not a wish: with a certificate, a token is sent only where one is named.
    const byCertificate = certificatePath !== undefined && !isGiven(reader, 'token_path');
    return {
      caPath: unverified ? undefined : caPath,
      tokenPath: byCertificate ? undefined : tokenPath,
      certificatePath,
      privateKeyPath,
    };
  }
  for (const key of [
    'kubelet_url',
    'ca_path',
    'token_path',
    'certificate_path',
    'insecure_skip_kubelet_verification',
  ]) {
    // guard: A13 test/config/k8s.test.ts
    refuseBeside(reader, key, 'insecure_read_only_port');
  }
  return { caPath: undefined, tokenPath: undefined, certificatePath: undefined, privateKeyPath: undefined };
}

function readNamespaces(
  reader: SettingsReader,
  apiServer: Address | undefined,
  caPath: string | undefined,
  readOnly: boolean,
): K8sAttestorConfig['namespaces'] {
  const enabled = reader.readFromFile(`${KEY}.enable_namespace_labels`, flag(false));
  const own = reader.readFromFile(`${KEY}.namespace_api_server`, API_SERVER);
  const ownCa = reader.readFromFile(`${KEY}.namespace_ca_path`, file(undefined));
  for (const key of ['namespace_api_server', 'namespace_ca_path']) {
    if (!enabled) refuseWithout(reader, key, 'enable_namespace_labels', 'set that, or remove it');
    else if (apiServer !== undefined) refuseBeside(reader, key, 'api_server');
  }
  if (!enabled) return undefined;
  // guard: A13 test/config/k8s.test.ts — without credentials and a CA nobody can be asked that is to be believed
  if (readOnly) refuseBeside(reader, 'enable_namespace_labels', 'insecure_read_only_port');
  const at = apiServer ?? own;
  if (at === undefined && !isGiven(reader, 'namespace_api_server'))
    refuseWithout(reader, 'enable_namespace_labels', 'namespace_api_server', 'give its address: https://HOST:PORT');
  // What is not checked of a kubelet is checked of an API server.
  const ca = ownCa ?? caPath ?? `${SERVICE_ACCOUNT}/ca.crt`;
  return at && { ...at, caPath: ca, caField: ownCa === undefined ? 'ca_path' : 'namespace_ca_path' };
}

function readRuntime(reader: SettingsReader): K8sAttestorConfig['runtime'] {
  const docker = reader.readFromFile(`${KEY}.runtime.docker`, socket);
  const cri = reader.readFromFile(`${KEY}.runtime.cri`, socket);
  if (docker !== undefined && cri !== undefined) refuseBeside(reader, 'runtime.docker', 'runtime.cri');
  if (docker !== undefined) return { kind: 'docker', socket: docker };
  return cri === undefined ? undefined : { kind: 'cri', socket: cri };
}

function isGiven(reader: SettingsReader, key: string): boolean {
  return reader.tree(`${KEY}.${key}`) !== undefined;
}

function refuseHalf(reader: SettingsReader, key: string, value: unknown, other: string, otherValue: unknown): void {
  if (value === undefined || otherValue !== undefined) return;
  refuseWithout(reader, key, other, 'give both, or none');
}

function refuseWithout(reader: SettingsReader, key: string, other: string, hint: string): void {
  if (!isGiven(reader, key)) return;
  reader.refuse(reader.label(`${KEY}.${key}`), undefined, `stands without ${KEY}.${other}`, hint);
}

function refuseBeside(reader: SettingsReader, key: string, other: string): void {
  if (!isGiven(reader, key)) return;
  reader.refuse(reader.label(`${KEY}.${key}`), undefined, `means nothing beside ${KEY}.${other}`, 'remove one of them');
}
