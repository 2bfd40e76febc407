// SPDX-License-Identifier: Apache-2.0
/** An Envoy as far as secret discovery goes: its requests, each of which the test writes itself, and its messages decoded. */
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';

const folder = fileURLToPath(new URL('../../proto', import.meta.url));
const TLS = 'envoy.extensions.transport_sockets.tls.v3';
const definition = loadSync(
  [
    'envoy/service/secret/v3/sds.proto',
    'envoy/extensions/transport_sockets/tls/v3/secret.proto',
    'envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config.proto',
  ],
  { includeDirs: [folder], keepCase: true, bytes: Buffer, oneofs: true },
);
const service = definition['envoy.service.secret.v3.SecretDiscoveryService'] as grpc.ServiceDefinition;

export const SECRET_TYPE = `type.googleapis.com/${TLS}.Secret`;
const VALIDATOR_TYPE = `type.googleapis.com/${TLS}.SPIFFECertValidatorConfig`;

export interface Response {
  readonly version_info: string;
  readonly type_url: string;
  readonly nonce: string;
  readonly resources: readonly Any[];
}

interface Any {
  readonly type_url: string;
  readonly value: Buffer;
}

export interface Secret {
  readonly name: string;
  readonly type: 'tls_certificate' | 'validation_context';
  readonly tls_certificate?: { readonly certificate_chain: Source; readonly private_key: Source };
  readonly validation_context?: {
    readonly trusted_ca?: Source | null;
    readonly custom_validator_config?: { readonly name: string; readonly typed_config: Any } | null;
  };
}

interface Source {
  readonly inline_bytes: Buffer;
}

export function secretOf(resource: Any): Secret {
  if (resource.type_url !== SECRET_TYPE) throw new Error(`a resource of type ${resource.type_url}`);
  return decode<Secret>(`${TLS}.Secret`, resource.value);
}

export function secretsOf(response: Response): ReadonlyMap<string, Secret> {
  return new Map(response.resources.map(secretOf).map((secret) => [secret.name, secret]));
}

/** Bare trust domain names to PEM, in their order. */
export function trustDomainsOf(secret: Secret | undefined): readonly (readonly [name: string, pem: string])[] {
  const config = secret?.validation_context?.custom_validator_config;
  if (config?.name !== 'envoy.tls.cert_validator.spiffe' || config.typed_config.type_url !== VALIDATOR_TYPE)
    throw new Error('no SPIFFE validator');
  const { trust_domains } = decode<{ trust_domains: { name: string; trust_bundle: Source }[] }>(
    `${TLS}.SPIFFECertValidatorConfig`,
    config.typed_config.value,
  );
  return trust_domains.map(({ name, trust_bundle }) => [name, trust_bundle.inline_bytes.toString()] as const);
}

export const pemOf = (source: Source | null | undefined): string => source?.inline_bytes.toString() ?? '';

function decode<Message>(type: string, bytes: Buffer): Message {
  return (definition[type] as unknown as MessageTypeDefinition<Message, Message>).deserialize(bytes);
}

/** `metadata` as Envoy writes a Struct of texts and booleans, and its version. */
export function node(metadata: Readonly<Record<string, string | boolean>> = {}, version?: readonly [number, number]) {
  const fields = Object.entries(metadata).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { string_value: value } : { bool_value: value },
  }));
  if (version === undefined) return { metadata: { fields } };
  const [major_number, minor_number] = version;
  return { metadata: { fields }, user_agent_build_version: { version: { major_number, minor_number } } };
}

export class SecretsCall {
  readonly responses: Response[] = [];
  readonly status: Promise<grpc.StatusObject>;
  readonly #call: grpc.ClientDuplexStream<object, Response>;
  #waiting: (() => void)[] = [];
  #ended = false;

  constructor(call: grpc.ClientDuplexStream<object, Response>) {
    this.#call = call;
    this.status = new Promise((resolve) => {
      call.on('status', (status) => {
        this.#ended = true;
        resolve(status);
        this.#wake();
      });
    });
    call.on('error', () => undefined);
    call.on('data', (response: Response) => {
      this.responses.push(response);
      this.#wake();
    });
  }

  ask(names: readonly string[], more: object = {}): void {
    this.#call.write({ resource_names: names, type_url: SECRET_TYPE, ...more });
  }

  /** What Envoy answers to what came last. */
  accept(names: readonly string[], more: object = {}): void {
    const { nonce = '', version_info = '' } = this.responses.at(-1) ?? {};
    this.ask(names, { response_nonce: nonce, version_info, ...more });
  }

  /** The `count`-th response, from 1. */
  async at(count: number): Promise<Response> {
    while (this.responses.length < count && !this.#ended)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const response = this.responses[count - 1];
    if (response !== undefined) return response;
    const { code, details } = await this.status;
    throw new Error(`the stream ended before response ${count}: ${grpc.status[code]} ${details}`);
  }

  done(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
  }

  #wake(): void {
    for (const one of this.#waiting.splice(0)) one();
  }
}

export class EnvoyClient {
  readonly client: grpc.Client;

  constructor(socket: string) {
    this.client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure(), {
      'grpc.default_authority': 'localhost',
    });
  }

  stream(method = 'StreamSecrets'): SecretsCall {
    const { requestSerialize, responseDeserialize } = service['StreamSecrets'] as grpc.MethodDefinition<
      object,
      Response
    >;
    const path = `/envoy.service.secret.v3.SecretDiscoveryService/${method}`;
    return new SecretsCall(this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, {}));
  }

  /** Rejects with the ServiceError. */
  fetch(names: readonly string[], more: object = {}): Promise<Response> {
    const { path, requestSerialize, responseDeserialize } = service['FetchSecrets'] as grpc.MethodDefinition<
      object,
      Response
    >;
    const request = { resource_names: names, type_url: SECRET_TYPE, ...more };
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, message) =>
        error === null ? resolve(message as Response) : reject(error),
      );
    });
  }

  close(): void {
    this.client.close();
  }
}
