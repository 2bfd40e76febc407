// SPDX-License-Identifier: Apache-2.0
/**
 * What an Envoy says of itself, and the one thing it decides: how validation contexts are written for it. All of it is the
 * caller's word (attack A3), so it chooses between two writings of the same anchors and nothing else.
 */

/** `envoy.config.core.v3.Node` as far as it is read. */
export interface Node {
  readonly metadata: { readonly fields: readonly MetadataField[] } | null;
  readonly user_agent_build_version?: {
    readonly version: { readonly major_number: number; readonly minor_number: number } | null;
  } | null;
}

interface MetadataField {
  readonly key: string;
  readonly value: { readonly kind?: string; readonly string_value?: string; readonly bool_value?: boolean } | null;
}

/** SPIRE pkg/agent/endpoints/sdsv3/handler.go, `disableSPIFFECertValidationKey`. */
const METADATA_KEY = 'disable_spiffe_cert_validation';
/** The first with the SPIFFE validator (Envoy 1.18 release notes). */
const FIRST_MAJOR = 1;
const FIRST_MINOR = 18;

/** Texts that Go's strconv.ParseBool takes. */
const GO_BOOLS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
]);

/** SDS-05. `disabled`: what the configuration says, which a node's metadata overrides both ways. */
export function takesSpiffeValidator(node: Node | null, disabled: boolean): boolean {
  return hasValidator(node) && !(metadataChoice(node) ?? disabled);
}

function hasValidator(node: Node | null): boolean {
  const version = node?.user_agent_build_version?.version;
  if (version === null || version === undefined) return true;
  const { major_number: major, minor_number: minor } = version;
  return major > FIRST_MAJOR || (major === FIRST_MAJOR && minor >= FIRST_MINOR);
}

/** Undefined where there is none, or none that can be read. */
function metadataChoice(node: Node | null): boolean | undefined {
  const value = node?.metadata?.fields.findLast(({ key }) => key === METADATA_KEY)?.value;
  if (value?.kind === 'bool_value') return value.bool_value;
  return value?.kind === 'string_value' ? GO_BOOLS.get(value.string_value ?? '') : undefined;
}
