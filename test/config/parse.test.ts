// SPDX-License-Identifier: Apache-2.0
/** File, environment, flags and defaults: which wins, and where each value came from. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '../../src/config/limits.ts';
import { loadConfig } from '../../src/config/parse.ts';
import { inspect, PLACES } from '../support/config.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('config');

const FULL = `
trust_domain: example.org
data_dir: /srv/assay/data
sockets: { workload: /srv/assay/w/api.sock, admin: /srv/assay/a/admin.sock, task_dir: /srv/assay/t, admin_group: "950" }
ca: { ttl: 48h, key_type: ec-p384, key_manager: { memory: {} } }
svid: { x509_ttl: 2h, key_type: rsa-2048 }
attestors:
  unix: { path: false, sha256: false, path_in_containers: true }
workload_api: { x509: true, allow_unauthenticated_verifiers: true }
insecure_same_uid: true
retention: { issuance: 7d }
limits: { streams: 10, attestation_timeout: 750ms }
log: { level: debug, format: json }
`;

describe('a configuration', () => {
  it('is read whole from a file', async () => {
    const { config, problems } = await inspect(dir, { yaml: FULL });
    expect(problems).toEqual([]);
    expect(config).toMatchObject({
      dataDir: '/srv/assay/data',
      sockets: {
        workload: '/srv/assay/w/api.sock',
        admin: '/srv/assay/a/admin.sock',
        taskDir: '/srv/assay/t',
        adminGroup: '950',
      },
      ca: { ttlMs: 172_800_000, keyType: 'ec-p384', keyManager: 'memory', insecureShortCa: false },
      svid: { x509TtlMs: 7_200_000, keyType: 'rsa-2048' },
      attestors: { unix: { path: false, sha256: false, pathInContainers: true } },
      workloadApi: { x509: true, allowUnauthenticatedVerifiers: true },
      insecureSameUid: true,
      retention: { issuanceMs: 604_800_000 },
      limits: { streams: 10, attestationTimeoutMs: 750 },
      log: { level: 'debug', format: 'json' },
    });
    expect(config.trustDomain?.name).toBe('example.org');
  });

  it('is complete without a file: root has its own places', async () => {
    const { config, problems } = await inspect(dir, { uid: 0 });
    expect(problems).toEqual([]);
    expect(config).toMatchObject({
      trustDomain: undefined,
      dataDir: '/var/lib/assay',
      sockets: {
        workload: '/run/assay/workload/api.sock',
        admin: '/run/assay-admin/admin.sock',
        taskDir: '/run/assay-task',
        adminGroup: undefined,
      },
      ca: { ttlMs: 86_400_000, keyType: 'ec-p256', keyManager: 'disk', insecureShortCa: false },
      svid: { x509TtlMs: 3_600_000, keyType: 'ec-p256' },
      attestors: { unix: { path: true, sha256: true, pathInContainers: false } },
      workloadApi: { x509: true, allowUnauthenticatedVerifiers: false },
      admin: { roles: [] },
      insecureSameUid: false,
      retention: { issuanceMs: 2_592_000_000 },
      log: { level: 'info', format: 'text' },
    });
    for (const { field, fallback } of LIMITS) expect(config.limits[field]).toBe(fallback);
  });

  it('I9: has the defaults of the design', async () => {
    const { limits } = (await inspect(dir, { uid: 0 })).config;
    expect(limits).toMatchObject({
      connectionsPerUid: 256,
      streamsPerUid: 1_024,
      newStreamsPerSecond: 20,
      streams: 20_000,
      connectionsReserved: 64,
      streamsPerConnection: 32,
      digestFileBytes: 512 * 1024 * 1024,
      undrainedMs: 30_000,
    });
  });

  it('puts everything below the XDG folders for anyone but root', async () => {
    const env = new Map([
      ['XDG_RUNTIME_DIR', '/run/user/1000'],
      ['XDG_STATE_HOME', '/home/u/.local/state'],
    ]);
    const { config, problems, explained } = await inspect(dir, { uid: 1000, env });
    expect(problems).toEqual([]);
    expect(config.dataDir).toBe('/home/u/.local/state/assay');
    expect(config.sockets).toMatchObject({
      workload: '/run/user/1000/assay/workload/api.sock',
      admin: '/run/user/1000/assay-admin/admin.sock',
      taskDir: '/run/user/1000/assay-task',
    });
    expect(explained.find(({ key }) => key === 'data_dir')?.source).toBe('env XDG_STATE_HOME');
  });

  it.each([
    ['unset', new Map<string, string>()],
    [
      'relative, which counts as unset',
      new Map([
        ['XDG_RUNTIME_DIR', 'run'],
        ['XDG_STATE_HOME', 'state'],
      ]),
    ],
  ])('names the flags that are required where the XDG folders are %s', async (_, env) => {
    const { problems } = await inspect(dir, { uid: 1000, env });
    expect(problems.map(({ field }) => field)).toEqual(['data_dir', 'sockets.workload', 'sockets.admin']);
    expect(problems.map(({ hint }) => hint)).toEqual([
      'give --data-dir PATH, or set XDG_STATE_HOME',
      'give --workload-socket PATH, or set XDG_RUNTIME_DIR',
      'give --admin-socket PATH, or set XDG_RUNTIME_DIR',
    ]);
  });

  it('is complete with those three flags', async () => {
    const flags = new Map([
      ['data_dir', '/tmp/x/data'],
      ['sockets.workload', '/tmp/x/w/api.sock'],
      ['sockets.admin', '/tmp/x/a/admin.sock'],
    ]);
    const { config, problems } = await inspect(dir, { uid: 1000, flags });
    expect(problems).toEqual([]);
    expect(config.sockets.taskDir).toBe('/tmp/x/assay-task');
  });

  it('takes a flag before a variable before the file before the default', async () => {
    const yaml = `${PLACES}ca: { ttl: 10h }\nlog: { level: warn, format: json }\ntrust_domain: from.file\n`;
    const env = new Map([
      ['ASSAY_LOG_LEVEL', 'debug'],
      ['ASSAY_TRUST_DOMAIN', 'from.env'],
    ]);
    const { config, explained } = await inspect(dir, { yaml, env, flags: new Map([['trust_domain', 'from.flag']]) });
    expect(config.trustDomain?.name).toBe('from.flag');
    expect(config.log).toEqual({ level: 'debug', format: 'json' });
    const sources = new Map(explained.map(({ key, source }) => [key, source]));
    expect([...['trust_domain', 'log.level', 'log.format', 'svid.key_type'].map((key) => sources.get(key))]).toEqual([
      'flag --trust-domain',
      'env ASSAY_LOG_LEVEL',
      'assay.yaml:4',
      'default',
    ]);
  });

  it('takes an empty variable for an absent one', async () => {
    const { config, problems } = await inspect(dir, { uid: 0, env: new Map([['ASSAY_LOG_LEVEL', '']]) });
    expect(problems).toEqual([]);
    expect(config.log.level).toBe('info');
  });

  it('is found through ASSAY_CONFIG', async () => {
    await inspect(dir, { yaml: FULL });
    const { config } = await inspect(dir, { env: new Map([['ASSAY_CONFIG', join(dir, 'assay.yaml')]]) });
    expect(config.dataDir).toBe('/srv/assay/data');
  });

  it.each(['disk', 'memory'])('takes a key manager as a word and as a section: %s', async (name) => {
    for (const value of [name, `{ ${name}: {} }`, `{ ${name}: }`]) {
      const { config, problems } = await inspect(dir, { yaml: `${PLACES}ca: { key_manager: ${value} }\n` });
      expect(problems).toEqual([]);
      expect(config.ca.keyManager).toBe(name);
    }
  });

  it('runs the unix attestor alone when no attestor is named', async () => {
    expect((await inspect(dir, { yaml: PLACES })).config.attestors.unix).toBeDefined();
    expect((await inspect(dir, { yaml: `${PLACES}attestors: { unix: }\n` })).config.attestors.unix?.path).toBe(true);
  });
});

describe('loadConfig', () => {
  it('throws one mistake as it is', async () => {
    const failure = await refusalOfAsync(() =>
      loadConfig({ flags: new Map([['log.level', 'loud']]), env: new Map(), uid: 0, gid: 0 }),
    );
    expect(failure.message).toBe('--log-level: "loud" is none of: error, warn, info, debug');
  });

  it('throws the first of several and says how to see all', async () => {
    const failure = await refusalOfAsync(() => loadConfig({ flags: new Map(), env: new Map(), uid: 1000, gid: 0 }));
    expect(failure.message).toContain('(and 2 more mistakes)');
    expect(failure.hint).toContain('assay config check');
    expect(failure.field).toBe('data_dir');
  });
});
