// SPDX-License-Identifier: Apache-2.0
/** `docs/cli-output.md` is a contract: each form has the members that it says, in that order. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { requestDigest, requestText } from '../../src/approvals/statement.ts';
import { metricJson } from '../../src/cli/report.ts';
import { approvalJson } from '../../src/cli/show-approval.ts';
import { authorityJson } from '../../src/cli/show-authority.ts';
import { bundleJson } from '../../src/cli/show-bundle.ts';
import { checkJson } from '../../src/cli/show-checks.ts';
import { entryJson, identityJson } from '../../src/cli/show-entry.ts';
import { federationJson } from '../../src/cli/show-federation.ts';
import { findingJson } from '../../src/cli/show-finding.ts';
import { policySetJson } from '../../src/cli/show-policy.ts';
import { svidJson } from '../../src/cli/show-svid.ts';
import { targetJson } from '../../src/cli/target.ts';
import { buildTree } from '../../src/cli/tree.ts';
import { taskRequest } from '../support/approval.ts';
import { TestCa } from '../support/test-ca.ts';

const page = readFileSync(join(resolve(import.meta.dirname, '../..'), 'docs/cli-output.md'), 'utf8');

/** The members of a form, without what their values may be. */
function membersOf(form: string): string[] {
  const [, cell = ''] = new RegExp(`^\\| ${form} \\| (.*) \\|$`, 'm').exec(page) ?? [];
  return [
    ...cell
      .replace(/\([^)]*\)/g, '')
      .replace(/: \[\{[^}]*\}\]/g, '')
      .matchAll(/`([a-z0-9_]+)`/g),
  ].map(([, name]) => name as string);
}

const TIME = '1700000000000';
const der = TestCa.create('example.org').der;

const FORMS: readonly (readonly [string, object])[] = [
  [
    'entry',
    entryJson({
      id: 'e',
      spiffe_id: 'spiffe://example.org/e',
      parent_id: 'p',
      selectors: [],
      dns_names: [],
      federates_with: [],
      hint: '',
      claimed_accepted: false,
      jwt_jti: false,
      created_at: TIME,
      created_by: 'uid:0',
      revision: '1',
      effective_x509_ttl_seconds: '60',
      effective_x509_ttl_from: 'default',
      strength: '',
      effective_jwt_ttl_from: '',
    }),
  ],
  [
    'identity',
    identityJson({
      spiffe_id: 'spiffe://example.org/e',
      owner: 'o',
      purpose: '',
      kind: 'service',
      deputy: '',
      environment: '',
      labels: [],
      state: 'active',
      state_reason: '',
      state_since: TIME,
      expires_at: TIME,
      created_at: TIME,
      created_by: 'uid:0',
      revision: '1',
    }),
  ],
  [
    'svid',
    svidJson({
      seq: '1',
      serial: 'ab',
      kind: 'x509',
      spiffe_id: 'spiffe://example.org/e',
      entry_id: 'e',
      authority_id: 'a',
      issued_at: TIME,
      not_before: TIME,
      not_after: TIME,
      asked_ttl_ms: '1500',
      pid: '1',
      uid: '0',
      gid: '0',
      start_time: '1',
      audiences: [],
      marks: [],
      delivered: true,
      revoke_reason: '',
      undelivered_reason: '',
    }),
  ],
  [
    'bundle',
    bundleJson({
      trust_domain: 'example.org',
      x509_certificates: [der],
      sequence: '0',
      refresh_hint_seconds: '0',
      updated_at: '0',
      updated_by: '',
      spiffe_document: '',
    }),
  ],
  [
    'authority',
    authorityJson({
      id: 'a',
      kind: 'x509',
      slot: 'active',
      key_type: 'ec-p256',
      not_before: TIME,
      not_after: TIME,
      prepared_at: TIME,
      last_svid_not_after: '0',
      certificate: der,
      public_key: Buffer.alloc(0),
      key_held: true,
    }),
  ],
  [
    'federation',
    federationJson({
      trust_domain: 'example.org',
      url: 'https://example.org/',
      profile: 'https_web',
      endpoint_spiffe_id: '',
      origin: 'admin',
      created_at: TIME,
      created_by: 'uid:0',
      last_success_at: TIME,
      last_result: '',
      last_reason: '',
      failures: '0',
    }),
  ],
  [
    'approval',
    approvalJson({
      ...{ id: 't', kind: 'task', identity: 'spiffe://example.org/e', request: requestText(taskRequest()) },
      ...{ digest: requestDigest(taskRequest()), state: 'pending', state_since: TIME, state_reason: '' },
      ...{ created_at: TIME, not_after: TIME, missing: 1, votes: [] },
    }),
  ],
  [
    'finding',
    findingJson({
      id: '1',
      detector: 'static-secret',
      identity: 'spiffe://example.org/e',
      task: '',
      evidence: '{"names":[]}',
      opened_at: TIME,
      last_seen_at: TIME,
      count: '1',
      closed_by: '',
      resolution: '',
    }),
  ],
  [
    'metric',
    metricJson({
      id: 'm',
      title: 't',
      unit: 'count',
      target: '',
      verdict: 'watch',
      offenders: [],
      has_more: false,
    }),
  ],
  [
    'target',
    targetJson({
      name: 't',
      owner: 'o',
      environment: 'prod',
      impact: 'low',
      intents: [],
      irrevocable: [],
      audiences: [],
      third_party: false,
      expires_at: TIME,
      orphaned: false,
      created_at: TIME,
      created_by: 'uid:0',
      retired_by: '',
      retire_reason: '',
      revision: '1',
    }),
  ],
  ['set', policySetJson({ hash: 'h', schema_hash: 's', mode: 'live', loaded_at: TIME, loaded_by: 'uid:0' })],
  ['check', checkJson({ name: 'n', status: 'ok', text: 't', hint: '' })],
];

describe('docs/cli-output.md', () => {
  it.each(FORMS)('has the members of %s', (form, printed) => {
    expect(Object.keys(printed)).toEqual(membersOf(form));
  });

  it.each(FORMS)('%s has null for what is absent, and RFC 3339 for times', (_, printed) => {
    for (const [name, value] of Object.entries(printed)) {
      expect([name, value]).not.toEqual([name, undefined]);
      if (/_at$|^not_|_since$/.test(name) && value !== null)
        expect(value).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/);
    }
  });

  it('has a row for each command', () => {
    const { root } = buildTree({} as never, '0');
    const paths = root.commands.flatMap((group) =>
      group.commands.length === 0 ? [group.name()] : group.commands.map((leaf) => `${group.name()} ${leaf.name()}`),
    );
    for (const path of paths.filter((one) => !one.startsWith('authority'))) expect(page).toContain(`\`${path}\``);
  });
});
