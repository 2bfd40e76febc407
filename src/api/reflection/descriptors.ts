// SPDX-License-Identifier: Apache-2.0
/**
 * Loaded .proto files as the descriptors that reflection hands out. protobufjs, beneath proto-loader, leaves three things
 * otherwise than protoc does, and clients in Go refuse them: names relative to their scope, files without their
 * dependencies, and map entries not called after their field (descriptor.proto, `MessageOptions.map_entry`).
 */
import { join as joinPath } from 'node:path';
import { loadSync, type MessageTypeDefinition, type PackageDefinition } from '@grpc/proto-loader';
import { PROTO_FOLDER } from '../proto.ts';

/** descriptor.proto is built into proto-loader in camel case. A field that is absent must stay so: `oneofIndex` 0 means one. */
interface Field {
  name: string;
  typeName?: string;
}

interface Message {
  name: string;
  field: Field[];
  nestedType: Message[];
  enumType: { name: string }[];
  options?: { mapEntry?: boolean };
}

interface File {
  name: string;
  package?: string;
  dependency: string[];
  messageType: Message[];
  enumType: { name: string }[];
  service: { name: string; method: { name: string; inputType: string; outputType: string }[] }[];
}

export interface Descriptors {
  /** Full names, sorted. */
  readonly services: readonly string[];
  /** Full name of a service, method, message or enum, to the name of its file. */
  readonly fileOf: ReadonlyMap<string, string>;
  /** A file, then all that it needs; encoded FileDescriptorProto. */
  readonly filesFrom: (name: string) => readonly Buffer[];
}

/** Files of `proto/`. */
export function describe(protos: readonly string[]): Descriptors {
  const load = (file: string): PackageDefinition =>
    loadSync(joinPath(PROTO_FOLDER, file), { keepCase: true, arrays: true, includeDirs: [PROTO_FOLDER] });
  const known = load('reflection.proto');
  const codec = known['google.protobuf.FileDescriptorProto'] as MessageTypeDefinition<File, File>;
  const files = new Map<string, File>();
  for (const bytes of protos.map(load).flatMap(filesOf)) {
    const file = codec.deserialize(bytes);
    files.set(file.name, file);
  }
  const fileOf = new Map<string, string>();
  for (const file of files.values()) for (const name of namesIn(file)) fileOf.set(name, file.name);
  for (const file of files.values()) complete(file, fileOf);
  const encoded = new Map([...files].map(([name, file]) => [name, codec.serialize(file)]));
  return {
    services: [...files.values()].flatMap((file) => file.service.map(({ name }) => join(file.package, name))).sort(),
    fileOf,
    filesFrom: (name) => [...reachable(name, files)].map((found) => encoded.get(found) as Buffer),
  };
}

function filesOf(definition: PackageDefinition): Buffer[] {
  const messages = Object.values(definition) as readonly Partial<MessageTypeDefinition<object, object>>[];
  return messages.flatMap((one) => (Array.isArray(one.fileDescriptorProtos) ? one.fileDescriptorProtos : []));
}

function namesIn(file: File): string[] {
  const below = (scope: string | undefined, message: Message): string[] => {
    const name = join(scope, message.name);
    const nested = message.nestedType.flatMap((one) => below(name, one));
    return [name, ...nested, ...message.enumType.map((one) => join(name, one.name))];
  };
  const services = file.service.flatMap(({ name, method }) => {
    const full = join(file.package, name);
    return [full, ...method.map((one) => join(full, one.name))];
  });
  const enums = file.enumType.map((one) => join(file.package, one.name));
  return [...services, ...enums, ...file.messageType.flatMap((message) => below(file.package, message))];
}

/** Sets right what the head of this file names. */
function complete(file: File, fileOf: ReadonlyMap<string, string>): void {
  const needed = new Set<string>();
  const full = (name: string, scope = ''): string => {
    const found = resolve(name, scope, fileOf);
    const home = fileOf.get(found);
    if (home !== undefined && home !== file.name) needed.add(home);
    return `.${found}`;
  };
  const walk = (message: Message, scope: string | undefined): void => {
    const own = join(scope, message.name);
    for (const field of message.field) {
      if (field.typeName === undefined) continue;
      const entry = message.nestedType.find((one) => one.options?.mapEntry && one.name === field.typeName);
      if (entry === undefined) {
        field.typeName = full(field.typeName, own);
        continue;
      }
      entry.name = `${camelCase(field.name)}Entry`;
      field.typeName = `.${join(own, entry.name)}`;
    }
    for (const nested of message.nestedType) walk(nested, own);
  };
  for (const message of file.messageType) walk(message, file.package);
  for (const { method } of file.service)
    for (const one of method) {
      one.inputType = full(one.inputType, file.package);
      one.outputType = full(one.outputType, file.package);
    }
  file.dependency = [...needed];
}

/** From the innermost scope outwards, as protoc does. */
function resolve(name: string, scope: string, known: ReadonlyMap<string, string>): string {
  if (name.startsWith('.')) return name.slice(1);
  for (let at = scope; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.'))))
    if (known.has(join(at, name))) return join(at, name);
  return name;
}

function reachable(name: string, files: ReadonlyMap<string, File>, found = new Set<string>()): Set<string> {
  const file = files.get(name);
  if (file === undefined || found.has(name)) return found;
  found.add(name);
  for (const needed of file.dependency) reachable(needed, files, found);
  return found;
}

const join = (scope: string | undefined, name: string): string => (scope ? `${scope}.${name}` : name);

const camelCase = (name: string): string =>
  name
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
