// SPDX-License-Identifier: Apache-2.0
/**
 * examples/kubernetes on a real node. The API server takes all manifests as they are, but for names and folders, which are the
 * test's own. The node has no controllers, so the pod of the DaemonSet is made here, from its template; no pod network, so
 * the workload is on the host's; and its API server cannot exec, so the commands of the README are executed by the engine.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type AssayImage, buildAssayImage } from '../support/assay-image.ts';
import { saysLog } from '../support/container-log.ts';
import { top } from '../support/daemon.ts';
import type { Container } from '../support/docker.ts';
import { freshName } from '../support/kubernetes-api.ts';
import { pageBlock } from '../support/page-block.ts';
import { Pod, type PodMetadata, podObject } from '../support/pod.ts';
import { describeWithKubernetes } from '../support/testbed.ts';

const commands = pageBlock('examples/kubernetes/README.md', 'sh', 'kubectl apply');
const IN_DAEMON = 'kubectl --namespace assay-system exec daemonset/assay -- ';

describeWithKubernetes(
  'the Kubernetes example',
  (kubernetes) => {
    const { node, docker } = kubernetes;
    const [namespace, seller, role] = [freshName('system'), freshName('seller'), freshName('kubelet')];
    const tag = `${freshName('example')}:test`;
    let folder: string;
    let image: AssayImage | undefined;
    let pod: Pod;
    let daemon: Container;
    const pods: Pod[] = [];

    const own = (text: string): string =>
      text
        .replaceAll('assay-example:0.1.0', tag)
        .replaceAll('assay-system', namespace)
        .replaceAll(/name: assay-kubelet \}/g, `name: ${role} }`)
        .replaceAll('name: seller', `name: ${seller}`)
        .replaceAll('serviceAccountName: seller', `serviceAccountName: ${seller}`)
        .replaceAll('k8s:sa:seller', `k8s:sa:${seller}`)
        .replaceAll('hostPath: { path: /var/lib/assay-node', `hostPath: { path: ${folder}/node`)
        .replaceAll('hostPath: { path: /run/assay/workload', `hostPath: { path: ${folder}/workload`);
    const manifest = (name: string): string => own(readFileSync(join(top, 'examples/kubernetes', name), 'utf8'));
    const kubectl = (input: string, ...words: readonly string[]): Promise<string> =>
      withInput(input, node.kubectl, '--kubeconfig', node.kubeconfig, ...words);

    const createPod = async (metadata: object, spec: object): Promise<Pod> => {
      const { namespace: at } = metadata as PodMetadata;
      const body = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...spec, nodeName: node.nodeName } };
      const made = await kubernetes.api<{ metadata: PodMetadata }>('POST', `/api/v1/namespaces/${at}/pods`, body);
      const one = new Pod(kubernetes, made.metadata);
      pods.push(one);
      return one;
    };
    const daemonPod = async (): Promise<Pod> => {
      const path = `/apis/apps/v1/namespaces/${namespace}/daemonsets/assay`;
      const { spec } = await kubernetes.api<{ spec: { template: { metadata: object; spec: object } } }>('GET', path);
      const { template } = spec;
      return createPod({ ...template.metadata, name: freshName('daemon'), namespace }, template.spec);
    };
    const says = (container: Container, wanted: RegExp): Promise<string> => saysLog(container, wanted, daemon);
    const inDaemon = async (line: string): Promise<string> => {
      const words = own(line.slice(IN_DAEMON.length)).split(' ');
      const { code, stdout, stderr } = await daemon.exec(words);
      if (code !== 0) throw new Error(`${words.join(' ')}: ${stdout}${stderr}`);
      return stdout;
    };

    beforeAll(async () => {
      folder = mkdtempSync('/run/assay-example-');
      mkdirSync(join(folder, 'node'));
      image = await buildAssayImage(docker.engine, tag);
      await kubectl('', 'create', 'namespace', namespace);
      writeFileSync(join(folder, 'ca.crt'), node.kubeletCa);
      const ca = `--from-file=${join(folder, 'ca.crt')}`;
      await kubectl('', '--namespace', namespace, 'create', 'configmap', 'assay-kubelet-ca', ca);
      await kubectl(manifest('assay.yaml'), 'apply', '-f', '-');
      pod = await daemonPod();
      daemon = await pod.container('assay');
      await says(daemon, /^ready: example\.org/m);
      for (const line of commands.split('\n').filter((one) => one.includes('assay entry create'))) await inDaemon(line);
    }, 300_000);

    afterAll(async () => {
      await Promise.all(pods.map((one) => one.delete()));
      for (const kind of ['clusterrolebinding', 'clusterrole'])
        await kubectl('', 'delete', '--ignore-not-found', kind, role);
      await kubectl('', 'delete', '--ignore-not-found', 'serviceaccount', seller);
      await kubectl('', '--namespace', namespace, 'delete', '--ignore-not-found', 'daemonset', 'assay');
      rmSync(folder, { recursive: true, force: true });
      await image?.remove();
    }, 240_000);

    it('is ready, and finds nothing amiss', async () => {
      await pod.until(
        'ready',
        ({ status }) =>
          (status as unknown as { conditions?: { type: string; status: string }[] }).conditions?.some(
            (one) => one.type === 'Ready' && one.status === 'True',
          ) === true,
      );
      const { checks } = JSON.parse(await inDaemon(`${IN_DAEMON}assay doctor --output json`)) as {
        checks: Record<string, string>[];
      };
      const odd = checks.filter(
        ({ name, status }) => status !== 'ok' && !['descriptors', 'callers', 'durability'].includes(String(name)),
      );
      expect(odd).toEqual([]);
      expect(checks.map(({ name }) => name)).toContain('attestor k8s');
    });

    it('gives the workload the identity of its service account, and keeps it informed by a daemon that replaces the first', async () => {
      await kubectl(
        manifest('workload.yaml').replace('spec:\n', `spec:\n  hostNetwork: true\n  nodeName: ${node.nodeName}\n`),
        'apply',
        '-f',
        '-',
      );
      const made = await kubernetes.api<{ metadata: PodMetadata }>('GET', `/api/v1/namespaces/default/pods/${seller}`);
      const workload = new Pod(kubernetes, made.metadata);
      pods.push(workload);
      const container = await workload.container();
      const said = await says(container, /spiffe:/);
      expect(new Set(said.match(/spiffe:\/\/example\.org\/[a-z]+/g))).toEqual(new Set(['spiffe://example.org/seller']));
      expect((await container.exec(['sh', '-c', 'rm /run/assay/workload/api.sock'])).code).not.toBe(0);
      await pod.delete(5);
      pod = await daemonPod();
      daemon = await pod.container('assay');
      await says(container, /spiffe:[\s\S]*ended[\s\S]*spiffe:/);
    });

    it('gives a pod of another service account nothing', async () => {
      const { metadata, spec } = podObject({ labels: { app: 'seller' } }, node.nodeName);
      const [main] = (spec as { containers: object[] }).containers;
      const volume = { name: 'workload', hostPath: { path: `${folder}/workload`, type: 'Directory' } };
      const other = await createPod(metadata, {
        ...spec,
        volumes: [volume],
        containers: [
          {
            ...main,
            image: tag,
            command: ['assay', 'watch', '--socket', 'unix:///run/assay/workload/api.sock'],
            volumeMounts: [{ name: 'workload', mountPath: '/run/assay/workload', readOnly: true }],
          },
        ],
      });
      expect(await says(await other.container(), /no identity issued/)).not.toContain('spiffe://');
    });
  },
  { debian: true },
);

function withInput(input: string, command: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let [out, errors] = ['', ''];
    child.stdout.on('data', (bytes) => {
      out += bytes;
    });
    child.stderr.on('data', (bytes) => {
      errors += bytes;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${args.join(' ')}: exit code ${code}\n${out}${errors}`)),
    );
    child.stdin.end(input);
  });
}
