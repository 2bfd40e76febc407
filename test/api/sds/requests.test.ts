// SPDX-License-Identifier: Apache-2.0
/** What is refused of a request for secrets before anybody looks at the caller. */
import http2 from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openDoor, SDS_REQUEST_BYTES, type TestDoor } from '../../support/door.ts';
import { EnvoyClient, node } from '../../support/envoy-client.ts';
import { SdsIdentities } from '../../support/sds-identities.ts';
import { tempDir } from '../../support/temp-dir.ts';

const PATH = '/envoy.service.secret.v3.SecretDiscoveryService';
const path = join(tempDir(), 'api.sock');
const identities = new SdsIdentities();
let door: TestDoor;
let client: EnvoyClient;

beforeAll(async () => {
  door = await openDoor({ path, identities });
  client = new EnvoyClient(path);
});
afterAll(async () => {
  client.close();
  await door.close();
});

const same = (bytes: Buffer): Buffer => bytes;

function raw(bytes: Buffer): Promise<grpc.ServiceError | undefined> {
  return new Promise((resolve) =>
    client.client.makeUnaryRequest(`${PATH}/FetchSecrets`, same, same, bytes, (error) => resolve(error ?? undefined)),
  );
}

/** A field of wire type 2. */
function field(number: number, body: Buffer): Buffer {
  const length: number[] = [];
  let left = body.length;
  for (; left > 0x7f; left >>>= 7) length.push((left & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length, left]), body]);
}

async function refused(names: readonly string[], more: object = {}): Promise<unknown> {
  const before = identities.followed.length;
  const error: grpc.ServiceError = await client.fetch(names, more).then(
    () => {
      throw new Error('it was answered');
    },
    (reason) => reason,
  );
  expect(identities.followed).toHaveLength(before);
  return [error.code, error.details];
}

describe('a request for secrets', () => {
  it('I9: names at most 256 resources, each of at most 2,048 bytes', async () => {
    const many = (count: number): string[] => Array.from({ length: count }, () => 'ROOTCA');
    await client.fetch(many(256));
    expect(await refused(many(257))).toEqual([3, 'resource_names: there are more than 256']);
    expect(await refused(['é'.repeat(1_025)])).toEqual([3, 'resource_names: one is longer than 2048 bytes']);
    const stream = client.stream();
    stream.ask(many(257));
    expect((await stream.status).code).toBe(3);
  });

  it('B4: is as large as an Envoy’s, and no larger', async () => {
    await client.fetch(['ROOTCA'], { node: node({ extensions: 'x'.repeat(200_000) }) });
    expect(await refused(['ROOTCA'], { node: node({ extensions: 'x'.repeat(SDS_REQUEST_BYTES) }) })).toEqual([
      grpc.status.RESOURCE_EXHAUSTED,
      expect.stringContaining('limits.sds_request_bytes'),
    ]);
  });

  it('B4: waits with at most three others', async () => {
    const session = http2.connect('http://localhost', { createConnection: () => connect(path) });
    const stream = session.request({
      ':method': 'POST',
      ':path': `${PATH}/StreamSecrets`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    // In one frame.
    stream.write(Buffer.alloc(5 * 5));
    const message = await new Promise<string>((resolve) =>
      stream.on('response', (fields) => resolve(decodeURIComponent(String(fields['grpc-message'])))),
    );
    expect(message).toMatch(/more than 4 request messages at once/);
    session.destroy();
  });

  it.each([
    ['no protobuf', Buffer.from('ffffffffff', 'hex')],
    ['groups within groups', Buffer.alloc(60_000, 0x7b)],
  ])('that is %s is INVALID_ARGUMENT', async (_, bytes) => {
    const error = await raw(bytes);
    expect([error?.code, error?.details]).toEqual([3, 'the request is no DiscoveryRequest']);
  });

  it('B4: whose metadata nests deeply is answered all the same, since that is not read', async () => {
    let value: Buffer = Buffer.from([0x20, 0x01]);
    for (let i = 0; i < 4_000; i += 1) value = field(6, field(1, value));
    const entry = field(1, Buffer.concat([field(1, Buffer.from('a')), field(2, value)]));
    expect(await raw(Buffer.concat([field(2, field(3, entry)), field(3, Buffer.from('ROOTCA'))]))).toBeUndefined();
  });

  it('B7: whatever it holds, is answered or refused with a reason', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        const error = await raw(Buffer.from(bytes));
        expect([undefined, 3]).toContain(error?.code);
      }),
      { numRuns: 200 },
    );
  });
});
