// SPDX-License-Identifier: Apache-2.0
/** The conversation of StreamSecrets, on a real socket with made-up identities. */
import http2 from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadProtoDefinition } from '../../../src/api/proto.ts';
import { SDS_PROTO, SDS_SERVICE } from '../../../src/api/sds/sds-service.ts';
import { Failure } from '../../../src/lib/failure.ts';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { EnvoyClient, node, pemOf, SECRET_TYPE, secretsOf } from '../../support/envoy-client.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { SdsIdentities } from '../../support/sds-identities.ts';
import { tempDir } from '../../support/temp-dir.ts';

const PATH = `/${SDS_SERVICE}/StreamSecrets`;
const REFUSED = new Failure('unavailable', 'RATE_REACHED', 'too many new streams');

const folder = tempDir();
let sockets = 0;
let identities: SdsIdentities;
let log: RecordingLogger;
let door: TestDoor;
let client: EnvoyClient;
let socket: string;
let rateLeft: number;

beforeEach(async () => {
  sockets += 1;
  socket = join(folder, `${sockets}.sock`);
  identities = new SdsIdentities();
  log = new RecordingLogger();
  rateLeft = Number.POSITIVE_INFINITY;
  const rates = { take: () => (rateLeft-- > 0 ? undefined : REFUSED) };
  door = await openDoor({ path: socket, identities, log, rates });
  client = new EnvoyClient(socket);
});
afterEach(async () => {
  client.close();
  await door.close();
});

/** A request that is answered shows that the ones before it were not. */
const settled = async (): Promise<void> => {
  const other = client.stream();
  other.ask(['ROOTCA']);
  await other.at(1);
  other.cancel();
};

describe('StreamSecrets', () => {
  it('SDS-08: echoes the type URL, and each resource is a Secret', async () => {
    const stream = client.stream();
    stream.ask(['default'], { type_url: 'type.googleapis.com/other' });
    const response = await stream.at(1);
    expect(response.type_url).toBe('type.googleapis.com/other');
    expect(response.resources.map(({ type_url }) => type_url)).toEqual([SECRET_TYPE]);
    stream.cancel();
  });

  it('SDS-09: counts versions, with a fresh nonce each', async () => {
    const stream = client.stream();
    stream.ask(['default']);
    await stream.at(1);
    await identities.tell(identities.last, 'l');
    await identities.tell(identities.last, 'm');
    await stream.at(3);
    expect(stream.responses.map((one) => one.version_info)).toEqual(['1', '2', '3']);
    const nonces = stream.responses.map((one) => one.nonce);
    expect(new Set(nonces).size).toBe(3);
    for (const nonce of nonces) expect(nonce).toMatch(/^[0-9a-f]{32}$/);
    stream.cancel();
  });

  it('SDS-09: FetchSecrets has neither, answers once and keeps nothing open', async () => {
    const { version_info, nonce, resources } = await client.fetch(['default'], { response_nonce: 'x' });
    expect([version_info, nonce, resources.length]).toEqual(['', '', 1]);
    expect(identities.last.stopped).toBe(true);
  });

  it('SDS-10: passes over a request with a nonce that is not the last', async () => {
    const stream = client.stream();
    stream.ask(['default']);
    await stream.at(1);
    stream.ask(['ROOTCA'], { response_nonce: 'stale' });
    stream.ask(['ROOTCA']);
    await settled();
    expect(stream.responses).toHaveLength(1);
    stream.accept(['ROOTCA']);
    expect([...secretsOf(await stream.at(2)).keys()]).toEqual(['ROOTCA']);
    stream.cancel();
  });

  it('SDS-10: a nonce of another stream opens this one all the same', async () => {
    const stream = client.stream();
    stream.ask(['default'], { response_nonce: 'of another', version_info: '1' });
    expect((await stream.at(1)).version_info).toBe('1');
    expect(log.lines).toEqual([]);
    stream.cancel();
  });

  it('SDS-11: an acknowledgement waits for a change, other names are answered at once', async () => {
    const stream = client.stream();
    stream.ask(['default', 'ROOTCA']);
    await stream.at(1);
    stream.accept(['ROOTCA', 'default', 'default']);
    await settled();
    expect(stream.responses).toHaveLength(1);
    await identities.tell(identities.followed[0]!, 'l');
    await stream.at(2);
    stream.accept(['default']);
    await stream.at(3);
    stream.accept(['default', 'ALL'], { error_detail: { code: 3, message: 'no' } });
    expect([...secretsOf(await stream.at(4)).keys()]).toEqual(['ALL', 'default']);
    stream.cancel();
  });

  it('SDS-11: the same secrets are not sent again, whatever else has changed', async () => {
    const stream = client.stream();
    stream.ask(['default']);
    await stream.at(1);
    await identities.tell(identities.last);
    await identities.tell(identities.last, 'l');
    await stream.at(2);
    expect(stream.responses).toHaveLength(2);
    stream.cancel();
  });

  it.each([
    ['an error', { error_detail: { code: 3, message: 'no\nkey' } }, { code: 3, said: '"no\\nkey"' }],
    ['an old version', { version_info: '' }, {}],
  ])('SDS-12: a rejection by %s is logged, and neither answered nor the end', async (_, more, fields) => {
    const stream = client.stream();
    stream.ask(['default']);
    await stream.at(1);
    stream.accept(['default'], more);
    await settled();
    expect(stream.responses).toHaveLength(1);
    expect(log.lines).toEqual([
      {
        level: 'warn',
        fields: { pid: 4242, uid: 1000, ...fields },
        message: 'an Envoy did not take the secrets that it was sent',
      },
    ]);
    await identities.tell(identities.followed[0]!, 'l');
    expect((await stream.at(2)).version_info).toBe('2');
    stream.cancel();
  });

  it('I9: who rejects without end fills no log', async () => {
    const stream = client.stream();
    stream.ask(['default']);
    await stream.at(1);
    for (let i = 0; i < 50; i += 1) stream.accept(['default'], { error_detail: { code: 3, message: 'x' } });
    await settled();
    expect(log.lines.length).toBeLessThan(3);
    stream.cancel();
  });

  it('SDS-13: remembers the node of the first request that had one', async () => {
    const stream = client.stream();
    stream.ask(['default']);
    await stream.at(1);
    stream.accept(['ROOTCA'], { node: node({ disable_spiffe_cert_validation: true }) });
    await stream.at(2);
    stream.accept(['spiffe://td'], { node: node({ disable_spiffe_cert_validation: false }) });
    const secret = secretsOf(await stream.at(3)).get('spiffe://td');
    expect(pemOf(secret?.validation_context?.trusted_ca)).toMatch(/^-----BEGIN CERTIFICATE-----/);
    stream.cancel();
  });

  it('SDS-14: a request before there is a state is held, and the newest names are answered', async () => {
    identities.answers = false;
    const stream = client.stream();
    stream.ask(['default']);
    await identities.count(1);
    stream.ask(['default', 'ROOTCA']);
    await identities.count(2);
    expect(identities.followed.map(({ stopped }) => stopped)).toEqual([true, false]);
    await identities.tell(identities.last);
    expect([...secretsOf(await stream.at(1)).keys()]).toEqual(['ROOTCA', 'default']);
    stream.cancel();
  });

  it('SDS-15: pushes to the names asked for last', async () => {
    const stream = client.stream();
    stream.ask(['default']);
    await stream.at(1);
    stream.accept(['ROOTCA', 'default']);
    await stream.at(2);
    await identities.tell(identities.last, 'l');
    expect([...secretsOf(await stream.at(3)).keys()]).toEqual(['ROOTCA', 'default']);
    stream.cancel();
  });

  it('SDS-03: ends when a name is not the caller’s any more', async () => {
    const stream = client.stream();
    stream.ask(['spiffe://td/a']);
    await stream.at(1);
    const { follower } = identities.last;
    await follower.send({ svids: [], bundle: Buffer.alloc(0), federated: new Map() } as never);
    const { code, details } = await stream.status;
    expect([code, details]).toEqual([3, 'resource_names: the caller has no "spiffe://td/a"']);
    expect(identities.last.stopped).toBe(true);
  });

  it('SDS-03: what cannot be answered is thrown before it counts as sent', async () => {
    identities.answers = false;
    const stream = client.stream();
    stream.ask(['default', 'nope']);
    await identities.count(1);
    expect(() =>
      identities.last.follower.send({ svids: [], bundle: Buffer.alloc(0), federated: new Map() } as never),
    ).toThrow('"default", "nope"');
    expect(stream.responses).toEqual([]);
    stream.cancel();
  });

  it('issues nothing that was not asked for', async () => {
    for (const names of [['ROOTCA', 'ALL', 'spiffe://td'], ['spiffe://td/a', 'ROOTCA'], []]) await client.fetch(names);
    expect(identities.followed.map(({ wanted }) => wanted)).toEqual([
      'none',
      { first: false, spiffeIds: new Set(['spiffe://td/a']) },
      undefined,
    ]);
  });

  it('I9: each further set of names counts as a new stream', async () => {
    const stream = client.stream();
    stream.ask(['default']);
    await stream.at(1);
    rateLeft = 1;
    stream.accept(['ROOTCA']);
    await stream.at(2);
    stream.accept(['default']);
    const { code, details } = await stream.status;
    expect([code, details]).toEqual([14, REFUSED.message]);
    expect(identities.followed).toHaveLength(2);
  });

  it('B4: a stream that takes nothing asks nothing more', async () => {
    const session = http2.connect('http://localhost', {
      createConnection: () => connect(socket),
      settings: { initialWindowSize: 0 },
    });
    session.on('error', () => undefined);
    const stream = session.request({
      ':method': 'POST',
      ':path': PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', () => undefined);
    identities.answers = false;
    stream.write(framed({ resource_names: ['default'] }));
    await identities.count(1);
    identities.tell(identities.last).catch(() => undefined);
    stream.write(framed({ resource_names: ['ROOTCA'] }));
    stream.write(framed({ resource_names: ['ALL'], version_info: '1' }));
    const other = client.stream();
    other.ask(['ROOTCA']);
    await identities.count(2);
    await identities.tell(identities.last);
    await other.at(1);
    expect(identities.followed).toHaveLength(2);
    session.destroy();
    other.cancel();
  });

  it('an asker that says no more is still told of changes', async () => {
    const stream = client.stream();
    stream.ask(['default']);
    stream.done();
    await stream.at(1);
    await identities.tell(identities.last, 'l');
    await stream.at(2);
    stream.cancel();
    await stream.status;
    while (!identities.last.stopped) await new Promise((resolve) => setTimeout(resolve, 2));
  });
});

function framed(message: object): Buffer {
  const { requestSerialize } = loadProtoDefinition(SDS_PROTO)[SDS_SERVICE]!['StreamSecrets']!;
  const body = requestSerialize(message);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}
