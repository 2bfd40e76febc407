// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { inspect } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('config');
const read = async (k8s: string, env: Readonly<Record<string, string>> = {}) => {
  const { config, problems } = await inspect(dir, {
    uid: 0,
    yaml: `attestors: { k8s: { ${k8s} } }\n`,
    env: new Map(Object.entries(env)),
  });
  return { k8s: config.attestors.k8s, problems: problems.map(({ message }) => message) };
};
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

describe('attestors.k8s', () => {
  it('is off unless it is named', async () => {
    expect((await inspect(dir, { uid: 0 })).config.attestors.k8s).toBeUndefined();
    expect((await inspect(dir, { uid: 0, yaml: 'attestors: { unix: {} }\n' })).config.attestors.k8s).toBeUndefined();
  });

  it('needs the name of the node, and has defaults for a pod with a service account', async () => {
    expect(await read('node_name: node1')).toEqual({
      k8s: {
        nodeName: 'node1',
        source: 'kubelet',
        address: { secure: true, host: '127.0.0.1', port: 10_250 },
        caPath: `${SERVICE_ACCOUNT}/ca.crt`,
        tokenPath: `${SERVICE_ACCOUNT}/token`,
        certificatePath: undefined,
        privateKeyPath: undefined,
        cgroupRoot: '/',
        runtime: undefined,
        containerSelectors: true,
        namespaces: undefined,
      },
      problems: [],
    });
    expect((await read('')).problems).toEqual([expect.stringMatching(/attestors\.k8s \(.*\): has no node_name/)]);
  });

  it('takes the name of the node from the environment, and nothing else (A13)', async () => {
    const found = await read('', { ASSAY_ATTESTORS_K8S_NODE_NAME: 'node7.example.org' });
    expect([found.k8s?.nodeName, found.problems]).toEqual(['node7.example.org', []]);
    for (const name of [
      'KUBELET_URL',
      'TOKEN_PATH',
      'CA_PATH',
      'RUNTIME_DOCKER',
      'INSECURE_READ_ONLY_PORT',
      'CGROUP_ROOT',
      'ENABLE_NAMESPACE_LABELS',
      'NAMESPACE_API_SERVER',
    ]) {
      const { problems } = await read('node_name: node1', { [`ASSAY_ATTESTORS_K8S_${name}`]: '/x/y' });
      expect(problems).toEqual([expect.stringContaining('no variable may name an attestor')]);
    }
  });

  it('takes what the file says', async () => {
    const found = await read(
      `node_name: node1, kubelet_url: "https://[fd00::1]:10260", ca_path: /etc/k/ca.crt, token_path: /etc/k/token,
       certificate_path: /etc/k/tls.crt, private_key_path: /etc/k/tls.key, cgroup_root: /kubelet.slice,
       runtime: { cri: /run/containerd/containerd.sock }, disable_container_selectors: true`,
    );
    expect(found).toEqual({
      k8s: {
        nodeName: 'node1',
        source: 'kubelet',
        address: { secure: true, host: 'fd00::1', port: 10_260 },
        caPath: '/etc/k/ca.crt',
        tokenPath: '/etc/k/token',
        certificatePath: '/etc/k/tls.crt',
        privateKeyPath: '/etc/k/tls.key',
        cgroupRoot: '/kubelet.slice',
        runtime: { kind: 'cri', socket: '/run/containerd/containerd.sock' },
        containerSelectors: false,
        namespaces: undefined,
      },
      problems: [],
    });
  });

  it('may watch the API server instead', async () => {
    const { k8s, problems } = await read('node_name: node1, api_server: "https://kubernetes.default.svc"');
    expect(problems).toEqual([]);
    expect(k8s).toMatchObject({
      source: 'api server',
      address: { secure: true, host: 'kubernetes.default.svc', port: 443 },
      tokenPath: `${SERVICE_ACCOUNT}/token`,
    });
  });

  it('may ask an API server for the labels of namespaces besides the kubelet, with the same credentials', async () => {
    const on = 'node_name: node1, enable_namespace_labels: true';
    const { k8s, problems } = await read(`${on}, namespace_api_server: "https://10.0.0.1:6443"`);
    const own = { host: '10.0.0.1', port: 6_443, caPath: `${SERVICE_ACCOUNT}/ca.crt`, caField: 'ca_path' };
    expect([k8s?.source, k8s?.namespaces, problems]).toEqual(['kubelet', own, []]);
    const ca = await read(
      `${on}, namespace_api_server: "https://10.0.0.1:6443", namespace_ca_path: /a/b, ca_path: /c/d`,
    );
    expect([ca.k8s?.caPath, ca.k8s?.namespaces]).toEqual([
      '/c/d',
      { ...own, caPath: '/a/b', caField: 'namespace_ca_path' },
    ]);
    const one = await read(`${on}, namespace_api_server: "https://10.0.0.1:6443", ca_path: /c/d`);
    expect(one.k8s?.namespaces?.caPath).toBe('/c/d');
    const same = await read(`${on}, api_server: "https://10.0.0.1:6443", ca_path: /c/d`);
    expect([same.k8s?.namespaces, same.problems]).toEqual([{ ...own, caPath: '/c/d' }, []]);
  });

  it('A13: checks the certificate of that API server also where it believes any kubelet', async () => {
    const { k8s, problems } = await read(
      `node_name: node1, enable_namespace_labels: true, namespace_api_server: "https://x",
       insecure_skip_kubelet_verification: true`,
    );
    expect([k8s?.caPath, k8s?.namespaces?.caPath, problems]).toEqual([undefined, `${SERVICE_ACCOUNT}/ca.crt`, []]);
  });

  it('sends no token that nobody named beside a client certificate', async () => {
    const { k8s } = await read('node_name: node1, certificate_path: /a/c, private_key_path: /a/k');
    expect([k8s?.tokenPath, k8s?.caPath]).toEqual([undefined, `${SERVICE_ACCOUNT}/ca.crt`]);
  });

  it('A13: believes whoever answers only where that is said, and then sends nothing secret to a port without TLS', async () => {
    const unverified = await read('node_name: node1, insecure_skip_kubelet_verification: true');
    expect([unverified.k8s?.caPath, unverified.problems]).toEqual([undefined, []]);
    const plain = await read('node_name: node1, insecure_read_only_port: 10255');
    expect(plain.k8s).toMatchObject({
      address: { secure: false, host: '127.0.0.1', port: 10_255 },
      caPath: undefined,
      tokenPath: undefined,
    });
  });

  it.each([
    ['node_name: Node1', /is no name of a node/],
    ['node_name: a..b', /is no name of a node/],
    [`node_name: ${'a'.repeat(254)}`, /is no name of a node/],
    ['node_name: node1, kubelet_url: "http://127.0.0.1:10255"', /is no address of a server/],
    ['node_name: node1, kubelet_url: "https://x:0"', /is no address of a server/],
    ['node_name: node1, kubelet_url: "https://x/pods"', /is no address of a server/],
    ['node_name: node1, kubelet_url: "https://user@x"', /is no address of a server/],
    ['node_name: node1, token_path: token', /is not absolute/],
    ['node_name: node1, certificate_path: /a', /stands without attestors.k8s.private_key_path/],
    ['node_name: node1, private_key_path: /a', /stands without attestors.k8s.certificate_path/],
    ['node_name: node1, ca_path: /a, insecure_skip_kubelet_verification: true', /means nothing beside/],
    ['node_name: node1, token_path: /a, insecure_read_only_port: 10255', /means nothing beside/],
    ['node_name: node1, kubelet_url: "https://x", insecure_read_only_port: 10255', /means nothing beside/],
    [
      'node_name: node1, api_server: "https://x", kubelet_url: "https://x"',
      /means nothing beside attestors.k8s.api_server/,
    ],
    [
      'node_name: node1, api_server: "https://x", insecure_read_only_port: 1',
      /means nothing beside attestors.k8s.api_server/,
    ],
    ['node_name: node1, enable_namespace_labels: true', /stands without attestors.k8s.namespace_api_server/],
    ['node_name: node1, enable_namespace_labels: 7', /enable_namespace_labels/],
    ['node_name: node1, enable_namespace_labels: true, namespace_api_server: "http://x"', /is no address of a server/],
    ['node_name: node1, namespace_api_server: "https://x"', /stands without attestors.k8s.enable_namespace_labels/],
    ['node_name: node1, namespace_ca_path: /a', /stands without attestors.k8s.enable_namespace_labels/],
    [
      'node_name: node1, enable_namespace_labels: true, api_server: "https://x", namespace_api_server: "https://x"',
      /means nothing beside attestors.k8s.api_server/,
    ],
    [
      `node_name: node1, enable_namespace_labels: true, namespace_api_server: "https://x",
       insecure_read_only_port: 10255`,
      /means nothing beside attestors.k8s.insecure_read_only_port/,
    ],
    ['node_name: node1, runtime: { docker: /a/b, cri: /c/d }', /means nothing beside attestors.k8s.runtime.cri/],
    ['node_name: node1, runtime: { containerd: /a/b }', /is no key/],
    ['node_name: node1, cgroup_root: kubelet', /is not absolute/],
    ['node_name: node1, max_poll_attempts: 3', /is no key/],
  ])('refuses %s', async (text, message) => {
    expect((await read(text)).problems).toEqual([expect.stringMatching(message)]);
  });
});
