// SPDX-License-Identifier: Apache-2.0
/** Each key with a value it cannot have: field, line, value, reason, next step. */
import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '../../src/config/limits.ts';
import { inspect, PLACES } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('config');

/** The first line of the key under test: after the two of PLACES. */
const LINE = 3;

const ROWS: readonly (readonly [yaml: string, field: string, reason: RegExp])[] = [
  ['trust_domain: Example.org', 'trust_domain', /lower-case/],
  ['trust_domain: spiffe://example.org', 'trust_domain', /may hold only/],
  ['trust_domain: a..b', 'trust_domain', /two in a row/],
  ['trust_domain: 5', 'trust_domain', /is no text/],
  ['trust_domain:', 'trust_domain', /has no value/],
  ['trust_domain: [a]', 'trust_domain', /single value/],
  ['ca: { ttl: 5 }', 'ca.ttl', /is no duration/],
  ['ca: { ttl: "" }', 'ca.ttl', /is no duration/],
  ['ca: { ttl: 17s, insecure_short_ca: true }', 'ca.ttl', /shorter than 18s/],
  ['ca: { ttl: 14m }', 'ca.ttl', /shorter than 15m/],
  ['ca: { ttl: 4000d }', 'ca.ttl', /longer than 3650d/],
  ['ca: { key_type: ed25519 }', 'ca.key_type', /none of: ec-p256, ec-p384, rsa-2048, rsa-4096/],
  ['ca: { key_manager: tpm }', 'ca.key_manager', /none of: disk, memory/],
  ['ca: { key_manager: pkcs11 }', 'ca.key_manager', /reserved for a key manager/],
  ['ca: { key_manager: { kms: {} } }', 'ca.key_manager', /reserved for a key manager/],
  ['ca: { key_manager: {} }', 'ca.key_manager', /exactly one/],
  ['ca: { key_manager: { disk: {}, memory: {} } }', 'ca.key_manager', /exactly one/],
  ['ca: { key_manager: { disk: { path: /x } } }', 'ca.key_manager', /takes no settings/],
  ['ca: { insecure_short_ca: "yes" }', 'ca.insecure_short_ca', /neither true nor false/],
  ['svid: { x509_ttl: 9s }', 'svid.x509_ttl', /shorter than 10s/],
  ['svid: { x509_ttl: 4h1s }', 'svid.x509_ttl', /over a sixth of ca.ttl \(24h\)/],
  ['svid: { key_type: dsa }', 'svid.key_type', /none of/],
  ['svid: { jwt_ttl: 5h }', 'svid.jwt_ttl', /over a sixth of ca.ttl/],
  ['jwt: { issuer: http://x }', 'jwt.issuer', /no issuer URL/],
  ['jwt: { key_type: ec-p224 }', 'jwt.key_type', /is none of/],
  ['https: { listen: "127.0.0.1:1" }', 'https.listen', /needs a certificate/],
  ['https: { listen: "localhost:1", cert: c, key: k }', 'https.listen', /no address and port/],
  ['https: { listen: "127.0.0.1:0", cert: c, key: k }', 'https.listen', /no port within/],
  ['https: { cert: c, key: k }', 'https', /lacks listen/],
  ['https: { listen: "127.0.0.1:1", cert: c }', 'https.cert', /stands without https.key/],
  ['federation: { bundle_endpoint: { profile: https_web } }', 'federation.bundle_endpoint.profile', /not configured/],
  ['federation: { bundle_endpoint: { path: /x } }', 'federation.bundle_endpoint', /lacks profile/],
  ['federation: { bundle_endpoint: { profile: http } }', 'federation.bundle_endpoint.profile', /none of/],
  ['experimental: { wit: 1 }', 'experimental.wit', /neither true nor false/],
  ['experimental: { wits: true }', 'experimental.wits', /is no key/],
  ['workload_api: { wit: true }', 'workload_api.wit', /is no key/],
  ['experimental: { wit_in_bundle_endpoint: true }', 'experimental.wit_in_bundle_endpoint', /without experimental.wit/],
  ['policy: { dir: /etc/assay/policy }', 'policy', /reserved for policies/],
  ['helper: {}', 'helper', /reserved for the sidecar/],
  ['workload_api: { sds: maybe }', 'workload_api.sds', /neither true nor false/],
  ['workload_api: { x509: false, sds: true }', 'workload_api.sds', /needs workload_api.x509/],
  ['sds: { default_svid_name: "" }', 'sds.default_svid_name', /is no resource name/],
  ['sds: { default_bundle_name: "a b" }', 'sds.default_bundle_name', /is no resource name/],
  ['sds: { default_svid_name: spiffe://example.org/a }', 'sds.default_svid_name', /is a SPIFFE ID/],
  ['sds: { disable_spiffe_cert_validation: 1 }', 'sds.disable_spiffe_cert_validation', /neither true nor false/],
  ['workload_api: { x509: false, jwt: false }', 'workload_api.jwt', /nothing to issue/],
  ['workload_api: { x509: 1 }', 'workload_api.x509', /neither true nor false/],
  ['attestors: { docker: { sockt: /x } }', 'attestors.docker.sockt', /is no key/],
  ['attestors: { docker: true }', 'attestors.docker', /is a section/],
  ['attestors: { docker: { socket: docker.sock } }', 'attestors.docker.socket', /absolute/],
  ['attestors: { docker: { socket: [/x/y] } }', 'attestors.docker.socket', /must be a single value/],
  ['attestors: { docker: { api_version: 1.41 } }', 'attestors.docker.api_version', /is no version/],
  ['attestors: { docker: { api_version: "2.0" } }', 'attestors.docker.api_version', /is no version/],
  [
    'attestors: { docker: { insecure_rootless_uid: 0, insecure_rootless_socket: /x/y } }',
    'attestors.docker.insecure_rootless_uid',
    /outside 1 to/,
  ],
  ['attestors: { k8s: {} }', 'attestors.k8s', /has no node_name/],
  ['attestors: { mine: { module: ./x.js }, unix: {} }', 'attestors.mine.module', /does not exist/],
  ['attestors: { mine: { module: x.js } }', 'attestors.mine.module', /is no path/],
  ['attestors: { mine: { module: [./x.js] } }', 'attestors.mine.module', /must be a single value/],
  ['attestors: { mine: { module: ./x.js, confg: {} } }', 'attestors.mine.confg', /is no key of a plugin/],
  [
    'attestors: { mine: { module: ./x.js, strength: kernel } }',
    'attestors.mine.strength',
    /nothing a plugin may claim/,
  ],
  ['attestors: { mine: {} }', 'attestors.mine', /is no attestor/],
  ['attestors: { mine: { module: ./x.js, command: [/bin/true] } }', 'attestors.mine', /has module and command/],
  ['attestors: { mine: { module: ./x.js, uid: 5 } }', 'attestors.mine.uid', /runs inside the daemon/],
  ['attestors: { mine: { command: /bin/true } }', 'attestors.mine.command', /must be a list/],
  ['attestors: { mine: { command: [] } }', 'attestors.mine.command', /must be a list/],
  ['attestors: { mine: { command: [[/bin/true]] } }', 'attestors.mine.command', /must be a list/],
  ['attestors: { mine: { command: [true] } }', 'attestors.mine.command', /is no path/],
  ['attestors: { mine: { command: [python3, ./x.py] } }', 'attestors.mine.command', /is no path/],
  ['attestors: { mine: { command: [/nonexistent/x] } }', 'attestors.mine.command', /does not exist/],
  ['attestors: { mine: { command: [/usr/bin/env], uid: nobody } }', 'attestors.mine.uid', /is no uid/],
  ['attestors: { mine: { command: [/usr/bin/env], gid: 5 } }', 'attestors.mine.gid', /goes with uid/],
  ['attestors: { mine: { socket: /run/x/y.sock } }', 'attestors.mine', /lacks uid/],
  ['attestors: { mine: { socket: y.sock, uid: 5 } }', 'attestors.mine.socket', /is no path/],
  ['attestors: { mine: { socket: /y.sock, uid: 5 } }', 'attestors.mine.socket', /lies in the root folder/],
  ['attestors: { mine: { socket: /tmp/y.sock, uid: 5 } }', 'attestors.mine.socket', /others can write it/],
  ['attestors: { mine: { socket: /run/x/y.sock, uid: 5, gid: 5 } }', 'attestors.mine.gid', /is what counts/],
  ['attestors: { docker: { module: ./x.js } }', 'attestors.docker.module', /is no key/],
  ['attestors: { launcher: { module: ./x.js } }', 'attestors.launcher.module', /is no key/],
  ['attestors: { unix: { module: ./x.js } }', 'attestors.unix.module', /is no key/],
  ['attestors: { systemd: { bus: /x } }', 'attestors.systemd', /takes no settings/],
  ['attestors: { systemd: true }', 'attestors.systemd', /takes no settings/],
  ['attestors: { unx: {} }', 'attestors.unx', /is no attestor/],
  ['attestors: {}', 'attestors', /names no attestor/],
  ['attestors: { unix: { pth: true } }', 'attestors.unix.pth', /is no key/],
  ['attestors: { unix: true }', 'attestors.unix', /is a section/],
  ['data_dirr: /x', 'data_dirr', /is no key/],
  ['workload: /x', 'workload', /is no key/],
  ['__proto__: { isAdmin: true }', '__proto__', /is no key/],
  ['constructor: 1', 'constructor', /is no key/],
  ['ca.ttl: 24h', 'ca.ttl', /is no key/],
  ['log: debug', 'log', /is a section/],
  ['log: { level: verbose }', 'log.level', /none of/],
  ['log: { format: xml }', 'log.format', /none of/],
  ['retention: { issuance: never }', 'retention.issuance', /is no duration/],
  ['insecure_same_uid: 1', 'insecure_same_uid', /neither true nor false/],
  ['admin: { roles: registrar }', 'admin.roles', /must be a list/],
  ['admin: { roles: [ registrar ] }', 'admin.roles[0]', /must have role, uid/],
  [
    'admin: { roles: [ { role: root, uid: 1, spiffe_id_prefix: spiffe://example.org/a } ] }',
    'admin.roles[0].role',
    /is no role/,
  ],
  [
    'admin: { roles: [ { role: registrar, spiffe_id_prefix: spiffe://example.org/a } ] }',
    'admin.roles[0]',
    /lacks uid/,
  ],
  [
    'admin: { roles: [ { role: registrar, uid: anna, spiffe_id_prefix: spiffe://example.org/a } ] }',
    'admin.roles[0].uid',
    /is no uid/,
  ],
  [
    'admin: { roles: [ { role: registrar, uid: 4294967295, spiffe_id_prefix: spiffe://example.org/a } ] }',
    'admin.roles[0].uid',
    /is no uid/,
  ],
  [
    'admin: { roles: [ { role: registrar, uid: -1, spiffe_id_prefix: spiffe://example.org/a } ] }',
    'admin.roles[0].uid',
    /is no uid/,
  ],
  [
    'admin: { roles: [ { role: registrar, uid: 1, spiffe_id_prefix: /a } ] }',
    'admin.roles[0].spiffe_id_prefix',
    /does not begin with spiffe/,
  ],
  [
    'admin: { roles: [ { role: registrar, uid: 1, spiffe_id_prefix: spiffe://example.org/a// } ] }',
    'admin.roles[0].spiffe_id_prefix',
    /empty segment/,
  ],
  [
    'admin: { roles: [ { role: registrar, uid: 1, spiffe_id_prefix: spiffe://example.org/a, uidd: 1 } ] }',
    'admin.roles[0].uidd',
    /is no key of a role/,
  ],
  ['limits: { streamz: 1 }', 'limits.streamz', /is no key/],
  ['limits: 5', 'limits', /is a section/],
  ['sockets.admin_group: a', 'sockets.admin_group', /is no key/],
];

describe('a wrong value', () => {
  it.each(ROWS)('%s is refused', async (yaml, field, reason) => {
    const { problems } = await inspect(dir, { yaml: `${PLACES}${yaml}\n` });
    expect(problems).not.toEqual([]);
    const failure = problems.find((one) => one.field?.startsWith(field));
    expect(failure?.message).toMatch(reason);
    expect(failure?.field).toBe(`${field} (assay.yaml:${LINE})`);
    expect(failure?.reason).toMatch(/^(CONFIG_INVALID|TRUST_DOMAIN_INVALID|SPIFFE_ID_INVALID)$/);
    expect(problems.every((one) => one.message.length < 600)).toBe(true);
  });

  it.each(LIMITS.map((limit) => [limit.key, limit] as const))(
    'I9: limits.%s keeps to its bounds',
    async (key, limit) => {
      const write = (n: number): string => (limit.unit === 'duration' ? `${n}ms` : String(n));
      for (const n of [limit.min, limit.max]) {
        const others = key === 'connections' ? `connections_reserved: ${Math.min(64, n)}, ` : '';
        const { problems } = await inspect(dir, { yaml: `${PLACES}limits: { ${others}${key}: ${write(n)} }\n` });
        expect(problems.filter((one) => !one.message.includes('leaves nothing'))).toEqual([]);
      }
      const values = [write(limit.max + 1), write(limit.min - 1), '-1', '1.5', 'many', 'true', '""'];
      for (const value of values) {
        const { problems } = await inspect(dir, { yaml: `${PLACES}limits: { ${key}: ${value} }\n` });
        expect([value, problems[0]?.field]).toEqual([value, `limits.${key} (assay.yaml:${LINE})`]);
      }
    },
  );

  it('suggests the key that was meant', async () => {
    const { problems } = await inspect(dir, {
      yaml: `${PLACES}svid: { x509_tll: 1h }\nworkload: /x\nadmin_group: a\n`,
    });
    expect(problems.map(({ hint }) => hint)).toEqual([
      'did you mean svid.x509_ttl?',
      'did you mean sockets.workload?',
      'did you mean sockets.admin_group?',
    ]);
  });

  it('is told together with every other one', async () => {
    const { problems } = await inspect(dir, { yaml: `${PLACES}log: { level: a, format: b }\nx: 1\nca: { ttl: c }\n` });
    expect(problems).toHaveLength(4);
  });
});
