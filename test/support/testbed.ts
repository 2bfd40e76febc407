// SPDX-License-Identifier: Apache-2.0
/**
 * Which real engine and node answer on this machine. Tests that need one and find none skip, and one line a test file says how
 * to have it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { bedFolder } from './bed.ts';
import { ask, Docker, type DockerEngine } from './docker.ts';
import { Kubernetes } from './kubernetes.ts';
import { askHttps, type KubernetesNode } from './kubernetes-api.ts';
import { NodeLock } from './node-lock.ts';
import { PrivateEngine } from './private-engine.ts';
import { SYSTEMD_IMAGE, SystemdMachine } from './systemd-machine.ts';

const PROBE_MS = 20_000;
/** For each test of a file that uses them: engines and kubelets are slow where something else is busy. */
const TEST_MS = 120_000;

const dockerHost = process.env['ASSAY_TEST_DOCKER'] ?? 'unix:///var/run/docker.sock';
const docker = await findDocker();
const systemd = await findSystemd();
const needsDebian = `no image ${SYSTEMD_IMAGE} at ${dockerHost}: run test/testbed/systemd up as root`;
const nodeFacts = process.env['ASSAY_TEST_KUBERNETES'] ?? join(bedFolder, 'run/k8s.env');
const kubernetes = await findKubernetes();

/** The engine that tests share: never stop it, and make every name your own. */
export function dockerEngine(): DockerEngine | undefined {
  return docker;
}

/**
 * `ASSAY_TEST_DOCKER` names another engine than `test/testbed/docker up` starts; it needs the image `local/busybox:1`.
 * `debian`: that of `test/testbed/systemd up` as well.
 */
export function describeWithDocker(
  title: string,
  body: (docker: Docker) => void,
  { debian = false }: { readonly debian?: boolean } = {},
): void {
  if (docker && debian && !systemd) skip(title, needsDebian);
  else if (docker) declare(title, () => body(Docker.forTests(docker)));
  else skip(title, `no Docker engine answers at ${dockerHost}: run test/testbed/docker up`);
}

/** An engine of the test file's own, which it may stop, pause and start: up before the tests, gone afterwards. */
export function describeWithPrivateEngine(
  title: string,
  body: (engine: PrivateEngine) => void,
  options: { readonly usernsRemap?: boolean } = {},
): void {
  const missing = PrivateEngine.missing();
  if (missing === undefined) declare(title, () => body(PrivateEngine.forTests(options)));
  else skip(title, `${missing}: run test/testbed/docker up as root`);
}

/** The node that tests share: make every name your own, and leave its kubelet running unless you have it `alone`. */
export function kubernetesNode(): KubernetesNode | undefined {
  return kubernetes;
}

/**
 * `alone` waits until no other test of this machine uses the node and keeps them out meanwhile: for tests that stop or
 * pause the kubelet, which starts again afterwards whatever they did. `ASSAY_TEST_KUBERNETES` names a file with what
 * another `test/testbed/k8s up` printed.
 */
export function describeWithKubernetes(
  title: string,
  body: (kubernetes: Kubernetes) => void,
  { alone = false, debian = false } = {},
): void {
  if (kubernetes && debian && !systemd) {
    skip(title, needsDebian);
    return;
  }
  if (!kubernetes) {
    skip(title, `no Kubernetes node answers as ${nodeFacts} says: run test/testbed/k8s up as root`);
    return;
  }
  declare(title, () => {
    NodeLock.forTests(alone);
    body(Kubernetes.forTests(kubernetes));
  });
}

/**
 * A machine of the test file's own whose PID 1 is systemd, up before the tests. It sees the checkout, and the folders
 * named, at the paths that they have here.
 */
export function describeWithSystemd(
  title: string,
  body: (machine: SystemdMachine) => void,
  options: { readonly folders?: readonly string[] } = {},
): void {
  if (docker && systemd) declare(title, () => body(SystemdMachine.forTests(Docker.forTests(docker), options.folders)));
  else skip(title, needsDebian);
}

async function findSystemd(): Promise<boolean> {
  if (!docker) return false;
  return (await ask(docker.socket, 'GET', `/images/${SYSTEMD_IMAGE}/json`, undefined, PROBE_MS)).status === 200;
}

async function findKubernetes(): Promise<KubernetesNode | undefined> {
  if (!existsSync(nodeFacts)) return undefined;
  const node = readNode(nodeFacts);
  const probe = { method: 'GET', credential: { token: node.adminToken }, timeoutMs: PROBE_MS };
  const { status } = await askHttps({ ...probe, url: `${node.apiServer}/readyz`, ca: node.apiServerCa }).catch(() => ({
    status: 0,
  }));
  return status === 200 ? node : undefined;
}

function readNode(file: string): KubernetesNode {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const facts = new Map(lines.map((line) => [line.replace(/=.*/, ''), line.replace(/^[^=]*=/, '')] as const));
  const fact = (key: string): string => {
    const value = facts.get(key);
    if (value === undefined) throw new Error(`${file} has no ${key}`);
    return value;
  };
  const content = (key: string): string => readFileSync(fact(key), 'utf8').trim();
  return {
    kubectl: fact('KUBECTL'),
    kubeconfig: fact('KUBECONFIG'),
    nodeName: fact('NODE_NAME'),
    apiServer: fact('API_SERVER'),
    apiServerCa: content('API_SERVER_CA'),
    adminToken: content('ADMIN_TOKEN_FILE'),
    kubelet: fact('KUBELET'),
    kubeletReadOnly: fact('KUBELET_READ_ONLY'),
    kubeletCa: content('KUBELET_CA'),
    clientCa: { certificate: fact('CLIENT_CA'), key: fact('CLIENT_CA_KEY') },
    serviceAccountKey: content('SERVICE_ACCOUNT_KEY'),
    staticPods: fact('STATIC_PODS'),
    engine: engineAt(fact('DOCKER_HOST')),
  };
}

async function findDocker(): Promise<DockerEngine | undefined> {
  const engine = engineAt(dockerHost);
  const { status } = await ask(engine.socket, 'GET', '/_ping', undefined, PROBE_MS).catch(() => ({ status: 0 }));
  return status === 200 ? engine : undefined;
}

function engineAt(host: string): DockerEngine {
  if (!host.startsWith('unix://'))
    throw new Error(`ASSAY_TEST_DOCKER: ${host} is not unix:// and the path of a socket`);
  return { host, socket: host.slice('unix://'.length) };
}

function declare(title: string, body: () => void): void {
  jest.setTimeout(TEST_MS);
  describe(title, body);
}

const said = new Set<string>();
function skip(title: string, why: string): void {
  if (!said.has(why))
    process.stderr.write(`skipped: ${relative(process.cwd(), expect.getState().testPath ?? title)}: ${why}\n`);
  said.add(why);
  describe.skip(title, () => it('needs what is missing', () => undefined));
}
