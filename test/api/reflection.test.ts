// SPDX-License-Identifier: Apache-2.0
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { loadSync, type MessageTypeDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GrpcDoor } from '../../src/api/grpc-door.ts';
import { addReflection } from '../../src/api/reflection/reflection.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { serveDoor } from '../support/door.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempDir } from '../support/temp-dir.ts';

const UNDRAINED_MS = 30_000;
const clock = new FakeClock();
const proto = loadSync(join(import.meta.dirname, '../../proto/reflection.proto'), { keepCase: true, arrays: true });
const shape = (proto['grpc.reflection.v1.ServerReflection'] as ServiceDefinition)['ServerReflectionInfo'];
const files = proto['google.protobuf.FileDescriptorProto'] as MessageTypeDefinition<File, File>;

interface Message {
  readonly name: string;
  readonly field: readonly { readonly name: string; readonly typeName?: string }[];
  readonly nestedType: readonly Message[];
  readonly options?: { readonly mapEntry?: boolean };
}

interface File {
  readonly name: string;
  readonly package?: string;
  readonly dependency: readonly string[];
  readonly messageType: readonly Message[];
  readonly enumType: readonly { readonly name: string }[];
  readonly service: readonly {
    readonly method: readonly { readonly inputType: string; readonly outputType: string }[];
  }[];
}

interface Answer {
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] };
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] };
  readonly error_response?: { readonly error_code: number; readonly error_message: string };
}

const socket = join(tempDir('reflection'), 'api.sock');
let client: grpc.Client;
let close: () => Promise<void>;

beforeAll(async () => {
  const door = new GrpcDoor({
    name: 'workload',
    clock: systemClock,
    streamsPerConnection: 32,
    headerBytes: 8192,
    requestBytes: 65_536,
    interceptors: [],
    log: silentLogger,
  });
  addReflection(door.server, {
    files: ['workload.proto'],
    undrainedMs: UNDRAINED_MS,
    clock,
  });
  close = await serveDoor(door, socket);
  client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await close();
});

async function ask(questions: readonly object[], version = 'v1'): Promise<Answer[]> {
  if (!shape) throw new Error('no ServerReflectionInfo');
  const call = client.makeBidiStreamRequest<object, Answer>(
    `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    shape.requestSerialize,
    shape.responseDeserialize as (bytes: Buffer) => Answer,
  );
  for (const question of questions) call.write(question);
  call.end();
  const answers: Answer[] = [];
  for await (const answer of call as AsyncIterable<Answer>) answers.push(answer);
  return answers;
}

async function filesFor(question: object): Promise<File[]> {
  const [answer] = await ask([question]);
  return (answer?.file_descriptor_response?.file_descriptor_proto ?? []).map((bytes) => files.deserialize(bytes));
}

/** `.package.Message` of everything in a file. */
function typesOf(file: File): string[] {
  const below = (scope: string, message: Message): string[] => {
    const name = `${scope}.${message.name}`;
    return [name, ...message.nestedType.flatMap((nested) => below(name, nested))];
  };
  const scope = file.package ? `.${file.package}` : '';
  return [
    ...file.messageType.flatMap((one) => below(scope, one)),
    ...file.enumType.map((one) => `${scope}.${one.name}`),
  ];
}

describe('reflection', () => {
  it.each(['v1', 'v1alpha'])('WEP-17: lists services by their full names, %s', async (version) => {
    const [answer] = await ask([{ list_services: '*' }], version);
    expect(answer?.list_services_response?.service).toEqual([{ name: 'SpiffeWorkloadAPI' }]);
  });

  it.each([
    { file_containing_symbol: 'SpiffeWorkloadAPI' },
    { file_containing_symbol: 'SpiffeWorkloadAPI.FetchX509SVID' },
    { file_containing_symbol: 'X509SVIDResponse' },
  ])('WEP-17: answers %j with the file and all that it needs', async (question) => {
    const found = await filesFor(question);
    expect(found[0]?.service).toHaveLength(1);
    const names = found.map((file) => file.name);
    expect(found.flatMap((file) => file.dependency).filter((name) => !names.includes(name))).toEqual([]);
    expect(await filesFor({ file_by_filename: names[1] })).toEqual(found.slice(1));
  });

  it('WEP-17: names every type in full, among those that it hands out', async () => {
    const found = await filesFor({ file_containing_symbol: 'SpiffeWorkloadAPI' });
    const types = found.flatMap(typesOf);
    const used = (message: Message): string[] => [
      ...message.field.flatMap((field) => field.typeName ?? []),
      ...message.nestedType.flatMap(used),
    ];
    const methods = found.flatMap((file) => file.service.flatMap((service) => service.method));
    const named = [
      ...found.flatMap((file) => file.messageType.flatMap(used)),
      ...methods.flatMap(({ inputType, outputType }) => [inputType, outputType]),
    ];
    expect(named).toContain('.google.protobuf.Struct');
    expect(named.filter((name) => !types.includes(name))).toEqual([]);
  });

  it('WEP-17: calls a map’s entry after its field, as Go demands', async () => {
    const found = await filesFor({ file_containing_symbol: 'SpiffeWorkloadAPI' });
    const maps = found.flatMap((file) => file.messageType.flatMap((message) => message.nestedType));
    expect(maps.filter((entry) => entry.options?.mapEntry).map((entry) => entry.name)).toEqual(
      expect.arrayContaining(['FederatedBundlesEntry', 'BundlesEntry', 'FieldsEntry']),
    );
  });

  it.each(['nope', '', '__proto__', 'constructor', '.SpiffeWorkloadAPI'])(
    'B7: has nothing under the name %j',
    async (name) => {
      const answers = await ask([{ file_containing_symbol: name }, { file_by_filename: name }]);
      expect(answers.map((answer) => answer.error_response?.error_code)).toEqual([5, 5]);
    },
  );

  it('answers other questions with an error, and goes on', async () => {
    const answers = await ask([
      { all_extension_numbers_of_type: 'X509SVID' },
      { file_containing_extension: { containing_type: 'X509SVID', extension_number: 1 } },
      {},
      { list_services: '' },
    ]);
    expect(answers.map((answer) => answer.error_response?.error_code)).toEqual([5, 5, 5, undefined]);
  });

  it('B4: reads the next question when the last answer was taken, and resets who takes none', async () => {
    const session = connectHttp2('http://localhost', {
      createConnection: () => connect({ path: socket }),
      settings: { initialWindowSize: 0 },
    });
    const flood = session.request({
      ':method': 'POST',
      ':path': '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    flood.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => flood.once('close', () => resolve()));
    // Few enough in a frame to be taken (attacks/request-bounds.test.ts).
    flood.write(Buffer.concat(Array.from({ length: 200 }, () => question('x'.repeat(8_000)))));
    // Others are served meanwhile, and for long enough to have taken in all of it.
    for (let i = 0; i < 20; i += 1) {
      expect(await ask([{ list_services: '' }])).toHaveLength(1);
      await sleep(10);
    }
    expect(flood.writableLength).toBeGreaterThan(0);
    await clock.advance(UNDRAINED_MS);
    await closed;
    expect(flood.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    session.destroy();
  });
});

/** file_containing_symbol, field 4, in a gRPC frame. */
function question(symbol: string): Buffer {
  const length = String.fromCharCode((symbol.length & 0x7f) | 0x80, symbol.length >> 7);
  const message = Buffer.from(`\x22${length}${symbol}`, 'latin1');
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
