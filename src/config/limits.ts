// SPDX-License-Identifier: Apache-2.0
/** Every ceiling (I9): its key below `limits`, default and bounds. `docs/limits.md` is written from this table and tested against it. */
import type { Limits } from './config.ts';
import type { SettingsReader } from './reader.ts';
import { duration, wholeNumber } from './settings.ts';

export interface LimitRow {
  readonly field: keyof Limits;
  readonly key: string;
  readonly unit: 'count' | 'bytes' | 'duration';
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
  readonly what: string;
}

const row = (
  field: keyof Limits,
  key: string,
  unit: LimitRow['unit'],
  fallback: number,
  [min, max]: readonly [number, number],
  what: string,
): LimitRow => ({ field, key, unit, fallback, min, max, what });

const MIB = 1 << 20;

export const LIMITS: readonly LimitRow[] = [
  row('connections', 'connections', 'count', 20_000, [1, 1_000_000], 'open connections in all'),
  row(
    'connectionsReserved',
    'connections_reserved',
    'count',
    64,
    [1, 10_000],
    'of them, kept for root and the uid of the daemon',
  ),
  row(
    'connectionsPerUid',
    'connections_per_uid',
    'count',
    256,
    [1, 1_000_000],
    'open connections of one uid, or of one subuid owner',
  ),
  row(
    'connectionsPerCgroup',
    'connections_per_cgroup',
    'count',
    1_024,
    [1, 1_000_000],
    'open connections of one cgroup',
  ),
  row(
    'streamsPerConnection',
    'streams_per_connection',
    'count',
    32,
    [1, 32],
    'concurrent calls on one connection (attack B4)',
  ),
  row(
    'streamsPerUid',
    'streams_per_uid',
    'count',
    1_024,
    [1, 1_000_000],
    'open streams of one uid, or of one subuid owner',
  ),
  row(
    'newStreamsPerSecond',
    'new_streams_per_second',
    'count',
    20,
    [1, 100_000],
    'streams that one uid or subuid owner may begin a second, after twice `streams_per_uid` at once',
  ),
  row('streams', 'streams', 'count', 20_000, [1, 1_000_000], 'open streams in all'),
  row(
    'launchesPerUid',
    'launches_per_uid',
    'count',
    512,
    [1, 100_000],
    'programs that run under `assay exec` for one uid, or one subuid owner',
  ),
  row('launches', 'launches', 'count', 4_096, [1, 100_000], 'programs that run under `assay exec` in all'),
  row(
    'tasksPerUid',
    'tasks_per_uid',
    'count',
    256,
    [1, 100_000],
    'tasks open at once of one uid, or of one subuid owner',
  ),
  row('tasks', 'tasks', 'count', 2_000, [1, 100_000], 'tasks open at once in all'),
  row(
    'attestationsAtOnce',
    'attestations_at_once',
    'count',
    64,
    [1, 4_096],
    'callers looked at at the same time; others wait their turn',
  ),
  row(
    'attestationTimeoutMs',
    'attestation_timeout',
    'duration',
    5_000,
    [100, 60_000],
    'time all attestors of one look have together',
  ),
  row('requestBytes', 'request_bytes', 'bytes', 32_768, [1_024, 4 * MIB], 'size of one request message (attack B4)'),
  row(
    'sdsRequestBytes',
    'sds_request_bytes',
    'bytes',
    262_144,
    [1_024, 4 * MIB],
    'the same of a request for Envoy secrets: an Envoy tells all its extensions in each, some 60 000 bytes in 1.40',
  ),
  row('headerBytes', 'header_bytes', 'bytes', 16_384, [1_024, 65_536], 'size of the headers of one request'),
  row(
    'undrainedMs',
    'undrained',
    'duration',
    30_000,
    [1_000, 600_000],
    'time a stream may leave an update unread before it is closed',
  ),
  row(
    'digestFileBytes',
    'digest_file_bytes',
    'bytes',
    512 * MIB,
    [MIB, 65_536 * MIB],
    'size of an executable that is still hashed (attack A11)',
  ),
  row('selectorsPerEntry', 'selectors_per_entry', 'count', 64, [1, 1_024], 'selectors of one entry'),
  row('dnsNamesPerEntry', 'dns_names_per_entry', 'count', 64, [1, 1_024], 'DNS names of one entry'),
  row(
    'federatesWithPerEntry',
    'federates_with_per_entry',
    'count',
    64,
    [1, 1_024],
    'trust domains one entry federates with',
  ),
  row('entries', 'entries', 'count', 2_000_000, [1, 10_000_000], 'entries in all'),
  row('identities', 'identities', 'count', 2_000_000, [1, 10_000_000], 'identities in all, retired ones among them'),
  row(
    'grantsPerCaller',
    'grants_per_caller',
    'count',
    200,
    [1, 1_000],
    'SVIDs in one answer (clients take 4 MiB: CLI-25)',
  ),
  row('foreignBundles', 'foreign_bundles', 'count', 1_000, [1, 10_000], 'trust domains whose bundles are kept'),
  row('certificatesPerBundle', 'certificates_per_bundle', 'count', 100, [1, 1_000], 'certificates of one bundle'),
  row(
    'httpsConnections',
    'https_connections',
    'count',
    1_000,
    [1, 100_000],
    'open connections of the HTTPS listener in all',
  ),
  row(
    'httpsConnectionsPerAddress',
    'https_connections_per_address',
    'count',
    32,
    [1, 100_000],
    'of them from one address, or one IPv6 network of 64 bits',
  ),
];

export function readLimits(reader: SettingsReader): Limits {
  const limits: Partial<Record<keyof Limits, number>> = Object.create(null);
  for (const { field, key, unit, fallback, min, max } of LIMITS) {
    const bounds = { min, max };
    limits[field] = reader.read(
      `limits.${key}`,
      unit === 'duration' ? duration(fallback, bounds) : wholeNumber(fallback, bounds),
    );
  }
  return limits as Record<keyof Limits, number>;
}

/** What one limit says about another. */
export function checkLimits(reader: SettingsReader, limits: Limits): void {
  if (limits.connectionsReserved >= limits.connections) {
    reader.refuse(
      reader.label('limits.connections_reserved'),
      limits.connectionsReserved,
      `leaves nothing of limits.connections (${limits.connections}) for anyone else`,
      'raise limits.connections or lower limits.connections_reserved',
    );
  }
}
