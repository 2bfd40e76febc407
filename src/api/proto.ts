// SPDX-License-Identifier: Apache-2.0
/**
 * Reads our .proto files at run time with one set of options, so that every message has one shape on both
 * sides: field names as in the file, 64-bit integers as decimal text (a double cannot hold them all), bytes as Buffer, absent
 * messages as null, and `has` told by the `_field` member of an optional one.
 *
 * With protobufjs alone: `@grpc/proto-loader` stands on it and gives the same messages, but describes every file to itself
 * for reflection, which is most of its cost at a start.
 *
 * `proto/` lies beside `src/` in a checkout and beside `dist/` in a package.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MethodDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

const SHAPE: Readonly<protobuf.IConversionOptions> = Object.freeze({
  longs: String,
  enums: String,
  bytes: Buffer,
  defaults: true,
  oneofs: true,
});

/** The folder that holds `workload.proto` and `assay/`. */
export const PROTO_FOLDER: string = findProtoFolder();

const loaded = new Map<string, protobuf.Root>();

/** A method whose messages are plain objects. */
export type Method = MethodDefinition<object, object>;

/** Full names of services, each with its methods by name. */
export type ProtoDefinition = Readonly<Record<string, Readonly<Record<string, Method>>>>;

/** `file` is relative to `proto/`: `workload.proto`, `assay/admin/v1/admin.proto`. Read once. */
export function loadProtoDefinition(file: string): ProtoDefinition {
  const definition: Record<string, Readonly<Record<string, Method>>> = Object.create(null);
  for (const service of servicesBelow(rootOf(file))) definition[service.fullName.slice(1)] = methodsOf(service);
  return definition;
}

/** What a server needs of a method. */
export type ServedMethod = Pick<Method, 'path' | 'responseSerialize' | 'requestDeserialize'>;

/** Its file is read when the first message comes: most daemons serve no administrator in their first second. */
export function servedMethod(file: string, service: string, name: string): ServedMethod {
  let found: Method | undefined;
  const method = (): Method => {
    found ??= loadProtoDefinition(file)[service]?.[name];
    if (found === undefined) throw new Error(`proto/${file} has no method ${service}.${name}`);
    return found;
  };
  return {
    path: `/${service}/${name}`,
    responseSerialize: (message) => method().responseSerialize(message),
    requestDeserialize: (bytes) => method().requestDeserialize(bytes),
  };
}

/** For messages that travel within others, as `google.protobuf.Any`: writes `type`, by its full name, of `file`. */
export function messageEncoder(file: string, type: string): (message: object) => Buffer {
  let found: protobuf.Type | undefined;
  return (message) => {
    found ??= rootOf(file).lookupType(type);
    return encode(found, message);
  };
}

function rootOf(file: string): protobuf.Root {
  const known = loaded.get(file);
  if (known !== undefined) return known;
  const root = new protobuf.Root();
  // What Google's own files hold is built in, as far as our messages use it.
  root.resolvePath = (from, to) =>
    from === '' ? to : to.startsWith('google/protobuf/') ? null : join(PROTO_FOLDER, to);
  root.loadSync(join(PROTO_FOLDER, file), { keepCase: true });
  loaded.set(file, root);
  return root;
}

function servicesBelow(scope: protobuf.NamespaceBase): protobuf.Service[] {
  return scope.nestedArray.flatMap((one) => {
    if (one instanceof protobuf.Service) return [one];
    return one instanceof protobuf.Namespace ? servicesBelow(one) : [];
  });
}

function methodsOf(service: protobuf.Service): Readonly<Record<string, Method>> {
  const methods: Record<string, Method> = Object.create(null);
  for (const method of service.methodsArray) {
    const [request, response] = [method.resolvedRequestType!, method.resolvedResponseType!];
    methods[method.name] = {
      path: `/${service.fullName.slice(1)}/${method.name}`,
      requestStream: method.requestStream === true,
      responseStream: method.responseStream === true,
      requestSerialize: (message) => encode(request, message),
      requestDeserialize: (bytes) => decode(request, bytes),
      responseSerialize: (message) => encode(response, message),
      responseDeserialize: (bytes) => decode(response, bytes),
    };
  }
  return methods;
}

function encode(type: protobuf.Type, message: object): Buffer {
  return type.encode(type.fromObject(message)).finish() as Buffer;
}

function decode(type: protobuf.Type, bytes: Buffer): object {
  return type.toObject(type.decode(bytes), SHAPE);
}

function findProtoFolder(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    const candidate = join(at, 'proto');
    if (existsSync(join(candidate, 'workload.proto'))) return candidate;
    if (at === dirname(at)) throw new Error('the proto folder is missing from this installation');
  }
}
