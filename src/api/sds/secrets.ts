// SPDX-License-Identifier: Apache-2.0
/** The caller's own state as Envoy secrets, by the names asked for. Nothing is looked up anywhere else (SDS-03). */
import type { X509SvidState } from '../../issuance/workload-identities.ts';
import { Failure } from '../../lib/failure.ts';
import { messageEncoder } from '../proto.ts';
import { pemOfBundle, pemOfChain, pemOfKey } from './in-pem.ts';
import { notYours, type SdsNames } from './names.ts';

/** Of one caller, as it stands. */
export interface Held {
  /** In the order of its grants; those that were asked for. */
  readonly svids: readonly X509SvidState[];
  /** Our trust domain, as an ID. */
  readonly own: string;
  /** Trust domain ID -> DER back to back; ours among them. */
  readonly bundles: ReadonlyMap<string, Buffer>;
}

/** A `google.protobuf.Any`. */
export interface Resource {
  readonly type_url: string;
  readonly value: Buffer;
}

const TLS = 'envoy.extensions.transport_sockets.tls.v3';
const FOLDER = 'envoy/extensions/transport_sockets/tls/v3';
const SCHEME = 'spiffe://';
/** Envoy's name of the extension (api/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config.proto). */
const VALIDATOR = 'envoy.tls.cert_validator.spiffe';

export const SECRET_TYPE_URL = `type.googleapis.com/${TLS}.Secret`;
const VALIDATOR_TYPE_URL = `type.googleapis.com/${TLS}.SPIFFECertValidatorConfig`;

const encodeSecret = messageEncoder(`${FOLDER}/secret.proto`, `${TLS}.Secret`);
const encodeValidator = messageEncoder(
  `${FOLDER}/tls_spiffe_validator_config.proto`,
  `${TLS}.SPIFFECertValidatorConfig`,
);

/**
 * `names` sorted; none of them means everything. Throws Failure `SECRET_UNKNOWN` when one is not the caller's, and
 * `VALIDATOR_NEEDED` for all bundles without the SPIFFE validator.
 */
export function secretsOf(
  held: Held,
  names: readonly string[],
  special: SdsNames,
  spiffeValidator: boolean,
): readonly Resource[] {
  const asked = names.length === 0 ? everything(held) : names;
  const contents = asked.map((name) => contentOf(name, held, special, spiffeValidator));
  // guard: SDS-03 test/api/sds/secrets.test.ts — the whole response fails
  if (contents.includes(undefined)) throw notYours(asked.filter((_, i) => contents[i] === undefined));
  return asked.map((name, i) => ({ type_url: SECRET_TYPE_URL, value: encodeSecret({ name, ...contents[i] }) }));
}

function everything({ own, bundles, svids }: Held): readonly string[] {
  const foreign = [...bundles.keys()].filter((id) => id !== own).sort();
  return [...new Set([own, ...foreign, ...svids.map(({ spiffeId }) => spiffeId)])];
}

/** Undefined: the caller has nothing of that name. */
function contentOf(name: string, held: Held, special: SdsNames, spiffeValidator: boolean): object | undefined {
  const context = (ids: readonly string[]): object => ({
    validation_context: spiffeValidator ? validated(ids, held.bundles) : plain(ids, held.bundles),
  });
  if (name === special.svid) return certificate(held.svids[0]);
  if (name === special.bundle) return context([held.own]);
  if (name === special.allBundles) {
    // guard: SDS-06 test/api/sds/secrets.test.ts — anchors of several trust domains in one pile vouch for each other's names
    if (!spiffeValidator) throw validatorNeeded(name);
    return context([...held.bundles.keys()].sort());
  }
  if (held.bundles.has(name)) return context([name]);
  return certificate(held.svids.find(({ spiffeId }) => spiffeId === name));
}

function certificate(svid: X509SvidState | undefined): object | undefined {
  if (svid === undefined) return undefined;
  const chain = { inline_bytes: pemOfChain(svid.chain) };
  return { tls_certificate: { certificate_chain: chain, private_key: { inline_bytes: pemOfKey(svid.privateKey) } } };
}

function validated(ids: readonly string[], bundles: Held['bundles']): object {
  const trust_domains = ids.map((id) => ({
    name: id.slice(SCHEME.length),
    trust_bundle: { inline_bytes: pemOfBundle(bundles.get(id) as Buffer) },
  }));
  const typed_config = { type_url: VALIDATOR_TYPE_URL, value: encodeValidator({ trust_domains }) };
  return { custom_validator_config: { name: VALIDATOR, typed_config } };
}

/** One trust domain alone: Envoy would take any of the anchors for any name. */
function plain([id]: readonly string[], bundles: Held['bundles']): object {
  return { trusted_ca: { inline_bytes: pemOfBundle(bundles.get(id as string) as Buffer) } };
}

function validatorNeeded(name: string): Failure {
  return new Failure(
    'internal',
    'VALIDATOR_NEEDED',
    `resource_names: ${name} needs the SPIFFE validator, which is switched off or absent for this Envoy`,
    { field: 'resource_names', value: name, hint: 'ask for each trust domain by itself, or switch the validator on' },
  );
}
