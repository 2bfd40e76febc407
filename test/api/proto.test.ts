// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ACCESS } from '../../src/api/admin/authorisation.ts';
import { ADMIN_PROTO, ADMIN_SERVICE } from '../../src/api/admin/service.ts';
import { loadProtoDefinition, PROTO_FOLDER, servedMethod } from '../../src/api/proto.ts';

const FILES = ['workload.proto', ADMIN_PROTO, 'health.proto', 'reflection.proto'] as const;
const EMPTY = Buffer.alloc(0);

/** The same file as `@grpc/proto-loader` reads it. */
function secondReader(file: string): [name: string, service: ServiceDefinition][] {
  const shape = { keepCase: true, longs: String, enums: String, bytes: Buffer, defaults: true, oneofs: true };
  const all = loadSync(join(PROTO_FOLDER, file), { ...shape, includeDirs: [PROTO_FOLDER] });
  return Object.entries(all).filter(([, one]) => !('format' in one)) as [string, ServiceDefinition][];
}

function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch {
    return 'refused';
  }
}

describe('what is read from proto/', () => {
  it('is read once', () => {
    const [one, two] = [loadProtoDefinition('workload.proto'), loadProtoDefinition('workload.proto')];
    const read = one['SpiffeWorkloadAPI']?.['FetchX509SVID']?.requestDeserialize(EMPTY);
    expect(read).toEqual(two['SpiffeWorkloadAPI']?.['FetchX509SVID']?.requestDeserialize(EMPTY));
    expect(Object.keys(one)).toEqual(['SpiffeWorkloadAPI']);
  });

  it('keeps names as in the file, 64-bit numbers as text, and unset optional members away', () => {
    const { requestSerialize, requestDeserialize } = loadProtoDefinition(ADMIN_PROTO)[ADMIN_SERVICE]!['UpdateEntry']!;
    const entry = { jwt_ttl_seconds: '9007199254740993' };
    expect(requestDeserialize(requestSerialize({ id: 'a', entry }))).toMatchObject({
      id: 'a',
      fields: [],
      entry: { jwt_ttl_seconds: '9007199254740993', created_at: '0', hint: '' },
    });
    const read = requestDeserialize(requestSerialize({ entry: {} })) as { entry: object };
    expect(read.entry).not.toHaveProperty('x509_ttl_seconds');
  });

  it.each(FILES)('has the services of %s, with their paths and streams', (file) => {
    const seen = Object.entries(loadProtoDefinition(file)).map(([service, methods]) => [
      service,
      Object.values(methods).map(({ path, requestStream, responseStream }) => [path, requestStream, responseStream]),
    ]);
    const expected = secondReader(file).map(([service, methods]) => [
      service,
      Object.values(methods).map(({ path, requestStream, responseStream }) => [path, requestStream, responseStream]),
    ]);
    expect(seen).toEqual(expected);
    expect(seen.length).toBeGreaterThan(0);
  });

  it.each(FILES)('gives whatever bytes the message, or the refusal, that another reader of %s gives them', (file) => {
    for (const [service, methods] of secondReader(file)) {
      for (const [name, other] of Object.entries(methods)) {
        const ours = loadProtoDefinition(file)[service]![name]!;
        const agree = (bytes: Buffer): void => {
          for (const side of ['request', 'response'] as const) {
            const [read, write] = [`${side}Deserialize`, `${side}Serialize`] as const;
            const message = outcome(() => other[read](bytes));
            expect(outcome(() => ours[read](bytes))).toEqual(message);
            if (message !== 'refused') expect(ours[write](message as object)).toEqual(other[write](message));
          }
        };
        agree(EMPTY);
        // Fields 1 to 15 as they would begin, so that most are read: a number, a text, a message in a message.
        const piece = fc.tuple(
          fc.integer({ min: 1, max: 15 }),
          fc.constantFrom(0, 2, 2, 5),
          fc.uint8Array({ maxLength: 9 }),
        );
        fc.assert(
          fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
            agree(Buffer.concat(pieces.map(([field, wire, bytes]) => asField(field, wire, bytes))));
          }),
          { numRuns: 60 },
        );
      }
    }
  });

  it('has a method for every RPC that is served by name', () => {
    const rpcs = Object.keys(ACCESS);
    expect(Object.keys(loadProtoDefinition(ADMIN_PROTO)[ADMIN_SERVICE]!).sort()).toEqual(rpcs.sort());
    for (const rpc of rpcs)
      expect(servedMethod(ADMIN_PROTO, ADMIN_SERVICE, rpc).requestDeserialize(EMPTY)).toBeDefined();
    expect(() => servedMethod(ADMIN_PROTO, ADMIN_SERVICE, 'Nothing').requestDeserialize(EMPTY)).toThrow('Nothing');
  });
});

function asField(field: number, wire: number, bytes: Uint8Array): Buffer {
  const tag = Buffer.from([(field << 3) | wire]);
  if (wire === 2) return Buffer.concat([tag, Buffer.from([bytes.length]), bytes]);
  return Buffer.concat([tag, wire === 0 ? Buffer.from([7]) : Buffer.alloc(4, 1)]);
}
