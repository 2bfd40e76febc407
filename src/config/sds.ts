// SPDX-License-Identifier: Apache-2.0
/** The Envoy secret discovery service. The keys below `sds` are those of SPIRE agent's block of that name (doc/spire_agent.md). */
import { Refusal, type Setting, type SettingsReader } from './reader.ts';
import { flag } from './settings.ts';

export interface SdsConfig {
  readonly names: { readonly svid: string; readonly bundle: string; readonly allBundles: string };
  readonly disableSpiffeCertValidation: boolean;
}

const KEYS = [
  ['svid', 'sds.default_svid_name', 'default'],
  ['bundle', 'sds.default_bundle_name', 'ROOTCA'],
  ['allBundles', 'sds.default_all_bundles_name', 'ALL'],
] as const;

/** Undefined: switched off. */
export function readSds(reader: SettingsReader, x509: boolean): SdsConfig | undefined {
  // What it hands out are X.509-SVIDs, so its default follows them.
  const setting: Setting<boolean> = x509 ? flag(true) : { ...flag(false), fallbackSource: 'workload_api.x509' };
  const on = reader.read('workload_api.sds', setting);
  if (on && !x509) {
    const hint = 'switch workload_api.x509 on, or leave workload_api.sds out';
    reader.refuse(reader.label('workload_api.sds'), 'true', 'needs workload_api.x509, which is off', hint);
  }
  const [svid, bundle, allBundles] = KEYS.map(([, key, fallback]) => reader.read(key, resourceName(fallback)));
  const names = { svid: svid as string, bundle: bundle as string, allBundles: allBundles as string };
  refuseTwice(reader, names);
  const disableSpiffeCertValidation = reader.read('sds.disable_spiffe_cert_validation', flag(false));
  return on ? { names, disableSpiffeCertValidation } : undefined;
}

function refuseTwice(reader: SettingsReader, names: SdsConfig['names']): void {
  for (const [at, [field, key]] of KEYS.entries()) {
    const other = KEYS.slice(0, at).find(([before]) => names[before] === names[field]);
    if (other === undefined) continue;
    reader.refuse(reader.label(key), names[field], `is also ${other[1]}`, 'give each a name of its own');
  }
}

function resourceName(fallback: string): Setting<string> {
  return {
    fallback,
    parse(raw) {
      const fits = typeof raw === 'string' && /^[\x21-\x7e]{1,255}$/.test(raw);
      if (!fits) return new Refusal('is no resource name', 'give 1 to 255 visible ASCII characters');
      // guard: SDS-03 test/config/sds.test.ts — an ID means one identity, whatever the settings
      if (raw.startsWith('spiffe://'))
        return new Refusal('is a SPIFFE ID, which has its own meaning', 'choose another');
      return raw;
    },
  };
}
