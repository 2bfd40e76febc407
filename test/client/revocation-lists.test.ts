// SPDX-License-Identifier: Apache-2.0
/** Which lists keep a peer out of a real handshake, and which change nothing. */
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { authorizeAny } from '../../src/client/authorize.ts';
import { connectTls } from '../../src/client/connect.ts';
import { createTlsServer } from '../../src/client/server.ts';
import { X509Source } from '../../src/client/x509-source.ts';
import { parseCertificate } from '../../src/x509/parse.ts';
import { Member } from '../support/crl-member.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeWorkloadApi, wireMessage, wireOf } from '../support/fake-workload-api.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { crlOf, TestCa } from '../support/test-ca.ts';
import { listening, portOf } from '../support/tls-parties.ts';

const HOUR = 3_600_000;
const options = { authorize: authorizeAny() };
/** Two authorities of one name, as after a restore: Node's own lists would take the one for the other. */
const ca = TestCa.create('td', { subject: 'one name' });
const namesake = TestCa.create('td', { subject: 'one name' });
const stranger = TestCa.create('td');
const STALE = 'a revocation list is past its next update; what it says still counts, what came since is not known';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

async function member(name: string, by: TestCa = ca): Promise<Member> {
  const one = await Member.join(name, [ca, namesake], by);
  closing.push(() => one.close());
  return one;
}

/** A TLS server of `of`; the way in, and the connections that it let in. */
async function doorOf(of: Member) {
  const sockets: TLSSocket[] = [];
  const server = createTlsServer(of.source, options, (socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
  });
  await listening(server);
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: portOf(server), sockets };
}

/** `in`, or the reason for which `us` refused. */
async function attempt(us: Member, port: number): Promise<string> {
  try {
    (await connectTls(us.source, { ...options, host: '127.0.0.1', port })).destroy();
    return 'in';
  } catch (error) {
    return (error as { reason: string }).reason;
  }
}

/** Until `us` looked at the lists that were sent last. */
async function looked(us: Member, lists: readonly Buffer[]): Promise<void> {
  const lines = us.log.lines.length;
  await us.hear(...lists);
  for (let turn = 0; turn < 500 && us.log.lines.length === lines; turn += 1) await new Promise((r) => setTimeout(r, 2));
}

describe('WAPI-39: a peer', () => {
  it('is let in where there is no list of its authority, while another authority of that name has one', async () => {
    const [us, peer, twin] = [await member('us'), await member('peer', namesake), await member('twin')];
    const [to, toTwin] = [(await doorOf(peer)).port, (await doorOf(twin)).port];
    // The serial of a leaf of the namesake, on the list of the other: that is nobody's.
    await us.learn(peer.issued.serial, twin.issued.serial);
    expect([await attempt(us, to), await attempt(us, toTwin)]).toEqual(['in', 'PEER_REVOKED']);
  });

  it('stays out when the list that names it is past its next update', async () => {
    const [us, peer] = [await member('us'), await member('peer')];
    const { port } = await doorOf(peer);
    const old = await crlOf(ca, { revoked: [peer.issued.serial], number: 9n, nextUpdate: Date.now() - 2_000 });
    await looked(us, [old]);
    expect(us.log.lines.at(-1)?.message).toBe(STALE);
    expect([us.source.status().crl?.stale, await attempt(us, port)]).toEqual([true, 'PEER_REVOKED']);
  });

  it.each([
    ['forged, under the name of our authority', () => crlOf(ca, { number: 9n, by: stranger })],
    ['of a stranger', () => crlOf(stranger, { number: 9n })],
    ['that is none', async () => Buffer.from('nothing')],
  ])('stays out after a list %s, without it', async (_, make) => {
    const [us, peer] = [await member('us'), await member('peer')];
    const { port } = await doorOf(peer);
    await us.learn(peer.issued.serial);
    await looked(us, [await make()]);
    expect(us.log.lines.at(-1)?.message).toBe('a revocation list was not taken');
    expect([us.source.status().crl?.problem === undefined, await attempt(us, port)]).toEqual([false, 'PEER_REVOKED']);
  });

  it('stays out after an earlier list is shown again, and after one that is missing', async () => {
    const [us, peer] = [await member('us'), await member('peer')];
    const { port } = await doorOf(peer);
    await us.learn(peer.issued.serial);
    await us.hear(await crlOf(ca, { number: 1n }));
    await us.hear();
    // Of the last of three messages it is known when it was looked at.
    await looked(us, [Buffer.from('nothing')]);
    expect(await attempt(us, port)).toBe('PEER_REVOKED');
  });

  it('is not kept out by a forged list that names it, and its open connection goes on', async () => {
    const [us, peer] = [await member('us'), await member('peer')];
    const door = await doorOf(peer);
    const open = await connectTls(us.source, { ...options, host: '127.0.0.1', port: door.port });
    closing.push(() => open.destroy());
    await looked(us, [await crlOf(ca, { revoked: [peer.issued.serial], number: 9n, by: stranger })]);
    expect([open.destroyed, await attempt(us, door.port)]).toEqual([false, 'in']);
  });

  it('is out, and its open connection is cut, when the intermediate that signed it is revoked', async () => {
    const below = ca.intermediate();
    const [us, peer, plain] = [await member('us'), await member('peer', below), await member('plain')];
    const [door, toPlain] = [await doorOf(peer), await doorOf(plain)];
    const open = await connectTls(us.source, { ...options, host: '127.0.0.1', port: door.port });
    open.on('error', () => undefined);
    await us.learn(parseCertificate(below.der).serial);
    expect(open.destroyed).toBe(true);
    expect([await attempt(us, door.port), await attempt(us, toPlain.port)]).toEqual(['PEER_REVOKED', 'in']);
  });

  it('is cut when its list came before the bundle with its authority', async () => {
    const api = await FakeWorkloadApi.start();
    closing.push(() => api.close());
    const log = new RecordingLogger();
    const opening = X509Source.open({ socket: api.uri, log });
    const svids = await api.streamOf('FetchX509SVID');
    const own = ca.issue('spiffe://td/us');
    const message = (...anchors: readonly TestCa[]) =>
      wireMessage([
        wireOf(
          own,
          'spiffe://td/us',
          anchors.map(({ der }) => der),
        ),
      ]);
    const first = [await crlOf(ca, {})];
    svids.send({ ...message(ca), crl: first });
    const source = await opening;
    closing.push(() => source.close());
    const leaf = { issuerDer: stranger.subject, aki: stranger.ski, serial: 'aa' };
    (await api.streamOf('FetchX509Bundles')).send({
      bundles: { 'spiffe://td': Buffer.concat([ca.der, stranger.der]) },
      crl: [...first, await crlOf(stranger, { revoked: [leaf.serial] })],
    });
    while (source.status().crl?.problem === undefined) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(source.isRevoked(leaf)).toBe(false);
    // Made before the list was signed, and on its way longer than it.
    svids.send({ ...message(ca, stranger), crl: first });
    while (source.status().updates < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(source.isRevoked(leaf)).toBe(true);
  });
});

describe('a list that grows old', () => {
  it('is an alarm while nobody connects, once, and again after a newer one grew old', async () => {
    const clock = new FakeClock(Date.now());
    const notAfter = clock.now() + 12 * HOUR;
    const lasting = TestCa.create('td', { notAfter });
    const log = new RecordingLogger();
    const api = await FakeWorkloadApi.start();
    closing.push(() => api.close());
    const opening = X509Source.open({ socket: api.uri, log, clock });
    const svids = await api.streamOf('FetchX509SVID');
    const own = lasting.issue('spiffe://td/us', { notAfter });
    const message = wireMessage([wireOf(own, 'spiffe://td/us', [lasting.der])]);
    svids.send({ ...message, crl: [await crlOf(lasting, { nextUpdate: clock.now() + HOUR })] });
    const source = await opening;
    const alarms = (): number => log.lines.filter((line) => line.message === STALE).length;
    await clock.advance(HOUR - 2_000);
    expect([alarms(), source.status().crl?.stale]).toEqual([0, false]);
    await clock.advance(3 * HOUR);
    expect([alarms(), source.status().crl?.stale]).toEqual([1, true]);
    svids.send({ ...message, crl: [await crlOf(lasting, { number: 2n, nextUpdate: clock.now() + HOUR })] });
    while (source.status().updates < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    // The clock of the machine is set ahead: no timer was for that long.
    clock.jump(2 * HOUR);
    await clock.advance(60_000);
    expect(alarms()).toBe(2);
    source.close();
    expect(clock.pending).toBe(0);
  });
});
