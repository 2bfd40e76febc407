// SPDX-License-Identifier: Apache-2.0
/** proto/workload.proto against the Workload API standard, section by section, as data. */
import { fileURLToPath } from 'node:url';
import { loadSync, type MessageTypeDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { describe, expect, it } from '@jest/globals';

const METHODS: readonly string[] = [
  '/SpiffeWorkloadAPI/FetchX509SVID X509SVIDRequest -> stream X509SVIDResponse',
  '/SpiffeWorkloadAPI/FetchX509Bundles X509BundlesRequest -> stream X509BundlesResponse',
  '/SpiffeWorkloadAPI/FetchJWTSVID JWTSVIDRequest -> JWTSVIDResponse',
  '/SpiffeWorkloadAPI/FetchJWTBundles JWTBundlesRequest -> stream JWTBundlesResponse',
  '/SpiffeWorkloadAPI/ValidateJWTSVID ValidateJWTSVIDRequest -> ValidateJWTSVIDResponse',
  '/SpiffeWorkloadAPI/FetchWITSVID WITSVIDRequest -> stream WITSVIDResponse',
  '/SpiffeWorkloadAPI/FetchWITBundles WITBundlesRequest -> stream WITBundlesResponse',
];

const MESSAGES: readonly (readonly [message: string, fields: readonly string[]])[] = [
  ['X509SVIDRequest', []],
  ['X509SVIDResponse', ['svids=1 repeated X509SVID', 'crl=2 repeated bytes', 'federated_bundles=3 map<string, bytes>']],
  ['X509SVID', ['spiffe_id=1 string', 'x509_svid=2 bytes', 'x509_svid_key=3 bytes', 'bundle=4 bytes', 'hint=5 string']],
  ['X509BundlesRequest', []],
  ['X509BundlesResponse', ['crl=1 repeated bytes', 'bundles=2 map<string, bytes>']],
  ['JWTSVIDRequest', ['audience=1 repeated string', 'spiffe_id=2 string']],
  ['JWTSVIDResponse', ['svids=1 repeated JWTSVID']],
  ['JWTSVID', ['spiffe_id=1 string', 'svid=2 string', 'hint=3 string']],
  ['JWTBundlesRequest', []],
  ['JWTBundlesResponse', ['bundles=1 map<string, bytes>']],
  ['ValidateJWTSVIDRequest', ['audience=1 string', 'svid=2 string']],
  ['ValidateJWTSVIDResponse', ['spiffe_id=1 string', 'claims=2 google.protobuf.Struct']],
  ['WITSVIDRequest', ['spiffe_id=1 string']],
  ['WITSVIDResponse', ['svids=1 repeated WITSVID']],
  ['WITSVID', ['spiffe_id=1 string', 'wit_svid=2 string', 'wit_svid_key=3 string', 'hint=4 string']],
  ['WITBundlesRequest', []],
  ['WITBundlesResponse', ['bundles=1 map<string, string>']],
];

interface Descriptor {
  readonly name: string;
  readonly field: readonly {
    readonly name: string;
    readonly number: number;
    readonly label: string;
    readonly type: string;
    readonly typeName: string;
  }[];
  readonly nestedType: readonly Descriptor[];
}

const definition = loadSync(fileURLToPath(new URL('../../proto/workload.proto', import.meta.url)), { keepCase: true });
const service = definition['SpiffeWorkloadAPI'] as ServiceDefinition;

const descriptorOf = (type: MessageTypeDefinition<object, object>): Descriptor => type.type as Descriptor;

function fieldsOf(message: Descriptor): string[] {
  return message.field.map((field) => {
    const entry = message.nestedType.find((nested) => nested.name === field.typeName);
    if (entry) return `${field.name}=${field.number} map<${entry.field.map(scalar).join(', ')}>`;
    return `${field.name}=${field.number} ${field.label === 'LABEL_REPEATED' ? 'repeated ' : ''}${scalar(field)}`;
  });
}

const scalar = (field: Descriptor['field'][number]): string =>
  field.typeName ? field.typeName.replace(/^\./, '') : field.type.replace('TYPE_', '').toLowerCase();

describe('the Workload API', () => {
  it('AMB-07: has the name that the standard’s proto gives it, in no package', () => {
    expect(Object.keys(definition).filter((name) => 'format' in (definition[name] as object) === false)).toEqual([
      'SpiffeWorkloadAPI',
    ]);
  });

  it('WAPI-03: has the seven methods of the standard and no other', () => {
    const methods = Object.values(service).map(
      ({ path, requestType, responseType, requestStream, responseStream }) =>
        `${path} ${requestStream ? 'stream ' : ''}${descriptorOf(requestType).name} -> ${responseStream ? 'stream ' : ''}${descriptorOf(responseType).name}`,
    );
    expect(methods).toEqual(METHODS);
  });

  it.each(MESSAGES)('WAPI-03: %s has the fields of the standard and no other', (name, fields) => {
    expect(fieldsOf(descriptorOf(definition[name] as MessageTypeDefinition<object, object>))).toEqual(fields);
  });

  it('WAPI-03: has no message besides', () => {
    const ours = Object.keys(definition).filter((name) => !name.startsWith('google.') && name !== 'SpiffeWorkloadAPI');
    expect(ours.sort()).toEqual(MESSAGES.map(([name]) => name).sort());
  });
});
