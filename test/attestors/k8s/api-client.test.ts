// SPDX-License-Identifier: Apache-2.0
/** What is believed of whoever answers, and how each way of not answering is told. */
import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type ApiAccess, ApiClient } from '../../../attestors/k8s/api-client.ts';
import { ListReader } from '../../../attestors/k8s/list-reader.ts';
import { PODS } from '../../../attestors/k8s/pod-list.ts';
import type { Trouble } from '../../../attestors/k8s/trouble.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { FakeKubelet, type FakeKubeletOptions, KUBELET_CA, NODE_NAME } from '../../support/fake-kubelet.ts';
import { podJson, podList } from '../../support/k8s-pods.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { pem, TestCa } from '../../support/test-ca.ts';

const folder = tempDir('api-client');
const never = new AbortController().signal;
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function kubelet(options: Partial<FakeKubeletOptions> = {}): Promise<FakeKubelet> {
  const started = await FakeKubelet.start({ folder, ...options });
  opened.unshift(started);
  return started;
}

function client(
  at: { readonly port: number; readonly caPath?: string; readonly tokenPath?: string },
  more: Partial<ApiAccess> = {},
) {
  const access: ApiAccess = {
    what: 'the kubelet',
    things: 'pods',
    right: 'get on nodes/proxy',
    secure: true,
    host: '127.0.0.1',
    port: at.port,
    serverName: NODE_NAME,
    caPath: at.caPath,
    tokenPath: at.tokenPath,
    certificatePath: undefined,
    privateKeyPath: undefined,
    ...more,
  };
  const made = new ApiClient(access, { readFile: (path) => readFile(path, 'utf8'), clock: systemClock });
  opened.unshift(made);
  return made;
}

const reader = new ListReader(systemClock, PODS);
const pods = async (from: ApiClient, timeoutMs = 20_000, signal = never) => {
  const { value, session } = await from.get('/pods', { signal, timeoutMs }, (body) => reader.read(body));
  return { names: [...value.items.keys()], session };
};
const troubleOf = (from: ApiClient, timeoutMs?: number): Promise<Trouble> =>
  pods(from, timeoutMs).then(
    () => Promise.reject(new Error('it answered')),
    (error: Trouble) => error,
  );
const reasonOf = async (from: ApiClient): Promise<string> => (await troubleOf(from)).reason;

describe('the kubelet', () => {
  it('is asked with the token of now, over one connection', async () => {
    const it = await kubelet();
    const from = client(it);
    const first = await pods(from);
    it.token = 'token-2\n';
    const second = await pods(from);
    expect(it.callers).toEqual(['Bearer token-1', 'Bearer token-2']);
    expect([second.session, it.connections]).toEqual([first.session, 1]);
  });

  it('is known to have been started anew by its connection', async () => {
    const it = await kubelet();
    const from = client(it);
    const first = await pods(from);
    it.drop();
    // The first request may still meet the connection that has just ended.
    const again = await pods(from).catch(() => pods(from));
    expect(again.session).not.toBe(first.session);
  });

  it('is asked with a client certificate, and the new one once the file has it', async () => {
    const clientCa = TestCa.create('clients');
    const it = await kubelet({ clientCa });
    const names: (string | undefined)[] = [];
    it.respond = ({ socket }, response) => {
      names.push((socket as TLSSocket).getPeerCertificate().subject?.CN as string | undefined);
      response.end(JSON.stringify(podList()));
    };
    const [certificatePath, privateKeyPath] = [join(folder, 'client.crt'), join(folder, 'client.key')];
    const give = (subject: string): void => {
      const issued = clientCa.issue('spiffe://x/client', { uris: [], subject });
      writeFileSync(certificatePath, pem(issued.der));
      writeFileSync(privateKeyPath, issued.key.export({ format: 'pem', type: 'pkcs8' }));
    };
    give('assay-1');
    const from = client({ port: it.port, caPath: it.caPath }, { certificatePath, privateKeyPath });
    await pods(from);
    give('assay-2');
    await pods(from);
    expect([names, it.callers]).toEqual([
      ['assay-1', 'assay-2'],
      ['nobody', 'nobody'],
    ]);
  });

  it('A13: is asked without TLS only where that is said, and then with no token', async () => {
    const it = await kubelet({ plain: true });
    it.pods = [podJson()];
    expect((await pods(client(it, { secure: false }))).names.length).toBe(1);
    expect(it.callers).toEqual(['nobody']);
    expect(await reasonOf(client(it))).toBe('K8S_TLS');
  });
});

describe('A13: whoever answers is not believed', () => {
  const stranger = TestCa.create('cluster.local');
  const of = (ca: TestCa, dns: readonly string[], more = {}) => ca.issue('spiffe://x/k', { uris: [], dns, ...more });

  it.each([
    ['with the certificate of another CA', () => of(stranger, [NODE_NAME])],
    ['with the certificate of another node', () => of(KUBELET_CA, ['node2'])],
    ['with a certificate for where it listens', () => of(KUBELET_CA, ['localhost'])],
    ['with a certificate that has expired', () => of(KUBELET_CA, [NODE_NAME], { notAfter: Date.now() - 60_000 })],
  ])('%s, and gets no token', async (_what, certificate) => {
    const it = await kubelet({ certificate: certificate() });
    const trouble = await troubleOf(client(it));
    expect([trouble.reason, trouble.passing, it.asked]).toEqual(['K8S_TLS', false, []]);
  });

  it('unless that is what is asked for', async () => {
    const it = await kubelet({ certificate: of(stranger, ['node2']) });
    expect((await pods(client({ port: it.port, tokenPath: it.tokenPath }, { caPath: undefined }))).names).toEqual([]);
  });

  it('when the CA is taken away from the file, though a connection is open', async () => {
    const it = await kubelet();
    const from = client(it);
    await pods(from);
    writeFileSync(it.caPath, pem(stranger.der));
    expect([await reasonOf(from), it.asked.length]).toEqual(['K8S_TLS', 1]);
  });

  it.each([
    ['empty', ''],
    ['no PEM', 'ca'],
  ])('with a file of CAs that is %s: no public one is meant', async (_what, text) => {
    const it = await kubelet();
    writeFileSync(it.caPath, text);
    expect([await reasonOf(client(it)), it.connections]).toEqual(['K8S_CREDENTIALS', 0]);
  });
});

describe('a refusal, a silence or nonsense is told apart:', () => {
  it.each([
    [401, 'K8S_UNAUTHENTICATED', false],
    [403, 'K8S_FORBIDDEN', false],
    [404, 'K8S_ANSWER_INVALID', false],
    [503, 'K8S_ANSWER_INVALID', true],
  ])('status %d', async (status, reason, passing) => {
    const it = await kubelet();
    it.respond = (_request, response) => void response.writeHead(status).end('canary-secret');
    const trouble = await troubleOf(client(it));
    expect([trouble.reason, trouble.passing]).toEqual([reason, passing]);
    expect(trouble.message).toContain(String(status));
    expect(trouble.message).not.toContain('canary');
  });

  it('A13: a redirect, which is not followed', async () => {
    const [it, elsewhere] = [await kubelet(), await kubelet()];
    it.respond = (_request, response) =>
      void response.writeHead(302, { location: `https://127.0.0.1:${elsewhere.port}/pods` }).end();
    expect([await reasonOf(client(it)), elsewhere.connections]).toEqual(['K8S_ANSWER_INVALID', 0]);
  });

  it.each<[string, (kubelet: FakeKubelet) => void]>([
    ['no answer', (it) => (it.respond = () => undefined)],
    [
      'an answer that never ends',
      (it) => (it.respond = (_request, response) => void response.write('{"kind":"PodList",')),
    ],
  ])('%s', async (_what, how) => {
    const it = await kubelet();
    how(it);
    const trouble = await troubleOf(client(it), 300);
    expect([trouble.reason, trouble.passing]).toEqual(['K8S_TIMEOUT', true]);
  });

  it.each([
    ['a page', '<html>'],
    ['another list', JSON.stringify({ kind: 'NodeList', items: [] })],
    ['a list that is cut off', JSON.stringify(podList(podJson())).slice(0, -10)],
  ])('%s', async (_what, text) => {
    const it = await kubelet();
    it.respond = (_request, response) => void response.end(text);
    expect(await reasonOf(client(it))).toBe('K8S_ANSWER_INVALID');
  });

  it('I9: a list without end', async () => {
    const it = await kubelet();
    it.respond = (_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(1 << 16)));
      };
      response.write('{"kind":"PodList","items":[{"a":"');
      response.on('drain', more);
      more();
    };
    expect(await reasonOf(client(it))).toBe('K8S_ANSWER_TOO_LARGE');
  });

  it('a connection that ends within the answer', async () => {
    const it = await kubelet();
    it.respond = (request, response) => {
      response.write('{"kind":"PodList","items":[');
      setTimeout(() => request.socket.destroy(), 20);
    };
    const trouble = await troubleOf(client(it));
    expect([trouble.reason, trouble.passing]).toEqual(['K8S_UNREACHABLE', true]);
  });

  it('nobody there', async () => {
    const it = await kubelet();
    const { port } = it;
    await it.close();
    const trouble = await troubleOf(client({ port, caPath: it.caPath }));
    expect([trouble.reason, trouble.passing]).toEqual(['K8S_UNREACHABLE', true]);
    opened.splice(opened.indexOf(it), 1);
  });

  it('somebody who does not speak HTTP', async () => {
    const server = createServer((socket) => void socket.end('SSH-2.0-OpenSSH\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.unshift({ close: () => server.close() });
    const { port } = server.address() as AddressInfo;
    expect(await reasonOf(client({ port }, { secure: false }))).toBe('K8S_ANSWER_INVALID');
  });

  it.each([
    ['empty', ''],
    ['of two lines', 'a\nb'],
    ['binary', '\u0000\u0001'],
  ])('a token that is %s, which is shown to nobody', async (_what, text) => {
    const it = await kubelet();
    it.token = text;
    const failure = await troubleOf(client(it));
    expect([failure.reason, it.connections]).toEqual(['K8S_CREDENTIALS', 0]);
  });

  it('a file that cannot be read', async () => {
    const it = await kubelet();
    const access = client(it);
    rmSync(it.tokenPath);
    expect((await troubleOf(access)).reason).toBe('K8S_CREDENTIALS');
  });

  it('a call that is over', async () => {
    const it = await kubelet();
    it.respond = () => undefined;
    const gone = new AbortController();
    const asked = pods(client(it), 20_000, gone.signal);
    setTimeout(() => gone.abort(new Error('stopping')), 50);
    await expect(asked).rejects.toThrow('stopping');
    await expect(pods(client(it), 20_000, gone.signal)).rejects.toThrow('stopping');
  });
});
