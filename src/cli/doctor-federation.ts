// SPDX-License-Identifier: Apache-2.0
/**
 * `assay doctor federation`: our discovery document and key set as verifiers of OpenID Connect see them, fetched from here, and
 * how the relationships with other trust domains stand. 1 when a check fails.
 */
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Response } from '../api/admin/wire.ts';
import { checkDiscovery } from '../discovery/discovery.ts';
import { checkOf, type Finding, VERIFIERS, type Verifier } from '../discovery/finding.ts';
import { webRoots } from '../federation/web-roots.ts';
import { tlsRules } from '../lib/tls-rules.ts';
import type { Check } from '../telemetry/check.ts';
import { fromPem } from '../x509/pem.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { readBundleFile } from './bundle-set.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { checkJson, printChecks } from './show-checks.ts';
import { usage } from './usage.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly verifier?: readonly string[];
  readonly caFile?: string;
}

type Facts = Response<'GetFederationDoctor'>;

export async function doctorFederation(io: Io, options: Options): Promise<number> {
  const wanted = (options.verifier ?? []).map(verifierOf);
  const trusted = options.caFile === undefined ? undefined : await authoritiesOf(io, options.caFile);
  const facts = await withAdmin(io, options, (admin) => admin.call('GetFederationDoctor', {}));
  const findings = await discovery(io, facts, trusted, wanted);
  const relationships = facts.relationships.map(
    ({ name, status, text, hint }) => ({ name, status, text, hint }) as Check,
  );
  const checks = [...findings.map((finding) => checkOf(finding, wanted)), ...relationships];
  const shown = checks.map((check) => ({ ...check, hint: check.hint ?? '' }));
  if (options.output === 'json') printJson(io, { checks: shown.map(checkJson) });
  else printChecks(io, shown);
  return checks.some(({ status }) => status === 'fail') ? 1 : 0;
}

async function discovery(
  io: Io,
  facts: Facts,
  trusted: SecureContext | undefined,
  wanted: readonly Verifier[],
): Promise<readonly Finding[]> {
  if (facts.issuer === '')
    return [
      {
        name: 'issuer',
        text: 'none is set, so there is nothing for verifiers of OpenID Connect',
        refusedBy: wanted,
        hint: 'set jwt.issuer, and https with a certificate for its host',
      },
    ];
  const ours = {
    issuer: facts.issuer,
    keySet: facts.key_set,
    signingKid: facts.signing_key_id,
    tokenTtlMs: Number(facts.token_ttl_ms),
    refreshHintSeconds: Number(facts.refresh_hint_seconds),
  };
  const context = trusted ?? (await webRoots(undefined)());
  const tools = {
    context,
    ownAuthorities: trusted !== undefined,
    now: () => io.now(),
    monotonic: () => performance.now(),
  };
  return [served(facts), ...(await checkDiscovery(ours, tools))];
}

function served({ unserved, issuer }: Facts): Finding {
  if (unserved === '') return { name: 'served', text: 'by this daemon', refusedBy: [] };
  return {
    name: 'served',
    text: `not by this daemon: ${unserved}`,
    refusedBy: 'all',
    unsure: true,
    hint: `set https.listen, https.cert and https.key, or keep both documents up to date at ${issuer}`,
  };
}

function verifierOf(text: string): Verifier {
  const found = VERIFIERS.find((one) => one === text);
  if (found === undefined)
    throw usage('--verifier', text, 'is none that is known', `use one of: ${VERIFIERS.join(', ')}`);
  return found;
}

async function authoritiesOf(io: Io, file: string): Promise<SecureContext> {
  const { document } = await readBundleFile(io, file, '--ca-file');
  const ca = document.toString('utf8');
  if (fromPem(ca, 'CERTIFICATE').length === 0) throw usage('--ca-file', file, 'holds no certificate in PEM');
  return createSecureContext({ ...tlsRules(), ca });
}
