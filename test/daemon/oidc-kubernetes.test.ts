// SPDX-License-Identifier: Apache-2.0
/**
 * A Kubernetes API server that takes OpenID Connect tokens, with its own default of RS256 alone, and tokens of a real daemon.
 * It runs beside that of the test bed, on the same etcd, in a part of it of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { bedFolder } from '../support/bed.ts';
import { freePort } from '../support/free-port.ts';
import { type IssuingDaemon, issuingDaemon } from '../support/issuing-daemon.ts';
import { askHttps, type KubernetesNode } from '../support/kubernetes-api.ts';
import { describeWithKubernetes } from '../support/testbed.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const AUDIENCE = 'kubernetes';
/** So that verifiers keep keys for seconds and not for minutes. */
const LIVES = ['ca: { ttl: 120s, insecure_short_ca: true }', 'svid: { x509_ttl: 20s, jwt_ttl: 20s }'];
/** It looks for its issuer ten seconds after its start for the first time. */
const PATIENCE_MS = 60_000;

interface TokenReview {
  readonly status: { readonly authenticated?: boolean; readonly user?: { readonly username: string } };
}

describeWithKubernetes('a Kubernetes API server with our issuer', ({ node }) => {
  let issuing: IssuingDaemon;
  let client: WorkloadClient;
  let server: ChildProcess;
  let url: string;
  let output = '';

  beforeAll(async () => {
    issuing = await issuingDaemon({ config: LIVES }, `, rsa_key_type: rsa-2048, rsa_audiences: [${AUDIENCE}]`);
    await issuing.daemon.admin.createEntry({
      spiffe_id: 'spiffe://example.org/deployer',
      selectors: [`unix:uid:${process.getuid?.()}`],
    });
    client = new WorkloadClient(issuing.daemon.workloadSocket);
    const port = await freePort();
    url = `https://127.0.0.1:${port}`;
    server = startServer(node, port, issuing);
    for (const stream of [server.stdout, server.stderr])
      stream?.on('data', (bytes: Buffer) => {
        output = (output + bytes.toString()).slice(-4_096);
      });
  }, 60_000);
  afterAll(async () => {
    client.close();
    server.kill('SIGKILL');
    await issuing.daemon.close();
  }, 60_000);

  /** What it makes of a token, as its administrator is told. Undefined while it does not answer. */
  const review = async (token: string): Promise<TokenReview['status'] | undefined> => {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
    const path = '/apis/authentication.k8s.io/v1/tokenreviews';
    const credential = { token: node.adminToken };
    const answer = await askHttps({ url: url + path, method: 'POST', ca: node.apiServerCa, credential, body }).catch(
      () => undefined,
    );
    return answer?.status === 201 ? (JSON.parse(answer.text) as TokenReview).status : undefined;
  };

  const tokenFor = async (audience: string): Promise<string> => {
    const [svid] = await client.fetchJwt([audience]);
    return svid?.svid as string;
  };

  it('JWT-20: takes a token of the RSA authority for the workload that it names', async () => {
    const until = Date.now() + PATIENCE_MS;
    let status = await review(await tokenFor(AUDIENCE));
    while (status?.authenticated !== true) {
      if (Date.now() > until) throw new Error(`no token is taken: ${JSON.stringify(status)}\n${output}`);
      await sleep(500);
      status = await review(await tokenFor(AUDIENCE));
    }
    expect(status.user?.username).toBe('spiffe:spiffe://example.org/deployer');
  }, 90_000);

  it('I6: takes the next key when that has been published for as long as keys may be kept', async () => {
    await issuing.daemon.admin.call('PrepareAuthority', { kind: 'jwt-rsa' });
    const { refresh_hint_seconds } = await issuing.daemon.admin.call('GetAuthorities', { kind: 'jwt-rsa' });
    const before = await tokenFor(AUDIENCE);
    await sleep(1_000 * (Number(refresh_hint_seconds) + 1));
    await issuing.daemon.admin.call('ActivateAuthority', { kind: 'jwt-rsa', now: true });
    const after = await tokenFor(AUDIENCE);
    expect(after).not.toBe(before);
    expect(await review(after)).toMatchObject({ authenticated: true });
  });

  it('refuses a token for somebody else, and one that was changed', async () => {
    expect((await review(await tokenFor('somebody-else')))?.authenticated).not.toBe(true);
    const [header, claims, signature] = (await tokenFor(AUDIENCE)).split('.') as [string, string, string];
    const changed = Buffer.from(Buffer.from(claims, 'base64url').toString().replace('/deployer', '/admin'));
    expect((await review([header, changed.toString('base64url'), signature].join('.')))?.authenticated).not.toBe(true);
  });
});

function startServer(node: KubernetesNode, port: number, issuing: IssuingDaemon): ChildProcess {
  const pki = dirname(node.clientCa.certificate);
  const certificates = join(issuing.daemon.folder, 'apiserver');
  mkdirSync(certificates);
  const flags = {
    'secure-port': port,
    'bind-address': '127.0.0.1',
    'advertise-address': '10.99.0.1',
    'cert-dir': certificates,
    'tls-cert-file': join(pki, 'apiserver.crt'),
    'tls-private-key-file': join(pki, 'apiserver.key'),
    'etcd-servers': 'https://127.0.0.1:2379',
    'etcd-cafile': join(pki, 'ca.crt'),
    'etcd-certfile': join(pki, 'apiserver.crt'),
    'etcd-keyfile': join(pki, 'apiserver.key'),
    'etcd-prefix': `/oidc-${randomBytes(6).toString('hex')}`,
    'authorization-mode': 'RBAC',
    'token-auth-file': join(dirname(pki), 'tokens.csv'),
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-key-file': join(pki, 'service-accounts.key'),
    'service-account-signing-key-file': join(pki, 'service-accounts.key'),
    'service-cluster-ip-range': '10.0.0.0/24',
    'oidc-issuer-url': issuing.issuer,
    'oidc-client-id': AUDIENCE,
    'oidc-ca-file': issuing.caFile,
    'oidc-username-claim': 'sub',
    'oidc-username-prefix': 'spiffe:',
  };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  return spawn(join(bedFolder, 'bin/kube-apiserver'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
}
