// SPDX-License-Identifier: Apache-2.0
/** What `assay health` and `assay doctor` print: facts of the other rooms, put as checks. */
import type { Check } from '../api/admin/deps.ts';
import type { AttestationEngine } from '../attestation/engine.ts';
import type { X509Authority } from '../authority/authority.ts';
import type { ClockGuard } from '../authority/clock-guard.ts';
import type { AuthorityHealth } from '../authority/health.ts';
import type { Config } from '../config/config.ts';
import { longestSvidTtlMs } from '../config/lifetimes.ts';
import { formatDuration } from '../lib/duration.ts';
import type { PeerPlatform, PlatformFacts } from '../peer/platform.ts';
import type { EntryRecord } from '../store/records.ts';
import { listCommand } from './announcements.ts';

export interface HealthRooms {
  readonly config: Config;
  readonly daemon: { readonly uid: number };
  readonly authority: Pick<X509Authority, 'health'>;
  /** Undefined where JWT-SVIDs are switched off. */
  readonly jwt: { health(): AuthorityHealth } | undefined;
  /** Undefined where WIT-SVIDs are switched off. */
  readonly wit?: { health(): AuthorityHealth } | undefined;
  /** Undefined where it is not configured. */
  readonly jwtRsa?: { health(): AuthorityHealth } | undefined;
  /** Undefined while the store can write. */
  readonly storeTrouble: () => Error | undefined;
  readonly registry: {
    entries(filter: object, page: { limit: number; after?: string }): { rows: readonly EntryRecord[]; next?: string };
  };
  /** Active identities that end or are to be reviewed within each of `lifecycle.announce`. */
  readonly ahead: () => Promise<readonly number[]>;
  readonly standings: { readonly size: number };
  readonly checkpoints: { health(): Check };
  readonly crls: { health(): Check };
  readonly policies: { health(): Check };
}

export async function healthChecks(rooms: HealthRooms): Promise<readonly Check[]> {
  const { authority, jwt, jwtRsa, wit } = rooms;
  const keys = [
    ...(jwt === undefined ? [] : [authorityCheck('JWT keys', jwt, 'assay authority jwt show')]),
    ...(jwtRsa === undefined ? [] : [authorityCheck('RSA JWT keys', jwtRsa, 'assay authority jwt-rsa show')]),
    ...(wit === undefined ? [] : [authorityCheck('WIT keys', wit, 'assay authority wit show')]),
  ];
  return [
    authorityCheck('authority', authority, 'assay ca show'),
    ...keys,
    storeCheck(rooms),
    rooms.crls.health(),
    rooms.checkpoints.health(),
    rooms.policies.health(),
    await cappedEntries(rooms),
    ...(await identitiesAhead(rooms)),
    streams(rooms),
  ];
}

function authorityCheck(name: string, authority: { health(): AuthorityHealth }, hint: string): Check {
  const health = authority.health();
  if (health.state === 'ok') return { name, status: 'ok', text: 'can sign; its successor is on time' };
  return { name, status: health.state === 'failing' ? 'fail' : 'warn', text: health.reasons.join('; '), hint };
}

function storeCheck({ storeTrouble, config }: HealthRooms): Check {
  const trouble = storeTrouble();
  if (trouble === undefined) return { name: 'store', status: 'ok', text: 'writes are durable' };
  return {
    name: 'store',
    status: 'fail',
    text: `nothing can be written to ${config.dataDir}, so nothing is issued: ${trouble.message}`,
    hint: 'free space or restore access; issuing goes on by itself then',
  };
}

/** As many as a line of text bears. */
const NAMED = 20;

/** After ca.ttl was lowered: entries whose TTL no CA can give any more are capped, and named here (I5). */
async function cappedEntries({ registry, config }: HealthRooms): Promise<Check> {
  const capped: string[] = [];
  let after: string | undefined;
  do {
    // A page at a time, so that a million entries do not hold up the callers meanwhile.
    await new Promise((resolve) => setImmediate(resolve));
    const page = registry.entries({}, { limit: 250, ...(after === undefined ? {} : { after }) });
    for (const entry of page.rows) {
      const asked = Math.max(entry.x509TtlSeconds ?? 0, entry.jwtTtlSeconds ?? 0) * 1000;
      if (asked > longestSvidTtlMs(config.ca.ttlMs)) capped.push(entry.id);
    }
    after = page.next;
  } while (after !== undefined && capped.length < NAMED);
  if (capped.length === 0)
    return { name: 'entry TTLs', status: 'ok', text: `all fit ca.ttl ${formatDuration(config.ca.ttlMs)}` };
  return {
    name: 'entry TTLs',
    status: 'warn',
    text: `ca.ttl ${formatDuration(config.ca.ttlMs)} is too short for the TTL of ${capped.slice(0, NAMED).join(', ')}; their SVIDs are capped`,
    hint: 'raise ca.ttl, or assay entry update ID --x509-ttl, --jwt-ttl',
  };
}

/** None where nothing is announced. */
async function identitiesAhead({ ahead, config: { lifecycle } }: HealthRooms): Promise<Check[]> {
  const spans = lifecycle.announceMs;
  const [first, ...nearer] = (await ahead()).map((count, at) => [count, formatDuration(spans[at] as number)] as const);
  if (first === undefined) return [];
  const [count, within] = first;
  const name = 'identities';
  if (count === 0) return [{ name, status: 'ok', text: `none ends or is to be reviewed within ${within}` }];
  const more = nearer.map(([some, span]) => `, ${some} within ${span}`).join('');
  return [
    {
      name,
      status: 'warn',
      text: `${count} end or are to be reviewed within ${within}${more}`,
      hint: listCommand(spans),
    },
  ];
}

function streams({ standings }: HealthRooms): Check {
  return { name: 'streams', status: 'ok', text: `${standings.size} open` };
}

export interface DoctorRooms extends HealthRooms {
  readonly clockGuard: Pick<ClockGuard, 'check'>;
  readonly platform: Pick<PeerPlatform, 'describe'>;
  readonly attestation: Pick<AttestationEngine, 'health'>;
}

/** Health, and how well this machine lets the daemon do its work. */
export async function doctorChecks(rooms: DoctorRooms): Promise<readonly Check[]> {
  const health = await healthChecks(rooms);
  return [
    ownUidCheck(rooms),
    ...callerChecks(rooms.platform.describe()),
    ...attestorChecks(rooms),
    clockCheck(rooms),
    ...health,
  ];
}

/** Attack B2: without root, whoever runs under our uid reads our memory and owns our files. */
function ownUidCheck({ daemon }: DoctorRooms): Check {
  if (daemon.uid === 0) return { name: 'daemon uid', status: 'ok', text: 'root: other uids cannot read its keys' };
  return {
    name: 'daemon uid',
    status: 'warn',
    text: `uid ${daemon.uid}: for development. Programs under this uid can read the daemon's keys and files, and it can look into no other uid's executable`,
    hint: 'run it as root, or under a uid of its own that runs nothing else',
  };
}

function callerChecks(facts: PlatformFacts): Check[] {
  const enough = facts.descriptorLimit >= facts.descriptorsNeeded;
  return [
    facts.peerPidfd
      ? { name: 'callers', status: 'ok', text: `kernel ${facts.kernel} names each caller by a pidfd` }
      : {
          name: 'callers',
          status: 'warn',
          text: `kernel ${facts.kernel} gives no pidfd for a caller; every issuance is marked weak_peer`,
          hint: 'Linux 6.5 or newer',
        },
    facts.connectorAbsent === undefined
      ? { name: 'exec and exit', status: 'ok', text: 'the kernel reports them as they happen' }
      : {
          name: 'exec and exit',
          status: 'ok',
          text: `exits are reported, execs found by a sweep each second: ${facts.connectorAbsent}`,
        },
    facts.readsOtherUids
      ? { name: 'executables', status: 'ok', text: 'unix:path and unix:sha256 apply to callers of every uid' }
      : {
          name: 'executables',
          status: 'warn',
          text: 'unix:path and unix:sha256 apply only to callers of the uid of the daemon',
          hint: 'run it as root',
        },
    facts.allIdsMapped
      ? { name: 'user namespace', status: 'ok', text: 'maps every uid and gid' }
      : {
          name: 'user namespace',
          status: 'warn',
          text: 'some uids or gids are not mapped here; their callers are refused',
        },
    enough
      ? {
          name: 'descriptors',
          status: 'ok',
          text: `${facts.descriptorLimit} allowed, ${facts.descriptorsNeeded} needed at most`,
        }
      : {
          name: 'descriptors',
          status: 'warn',
          text: `${facts.descriptorLimit} allowed, but limits.connections can need ${facts.descriptorsNeeded}`,
          hint: 'raise the limit (LimitNOFILE=, ulimit -n) or lower limits.connections',
        },
  ];
}

function attestorChecks({ attestation }: DoctorRooms): Check[] {
  return [...attestation.health].map(([name, health]) => ({ name: `attestor ${name}`, ...health }));
}

function clockCheck({ clockGuard }: DoctorRooms): Check {
  const trouble = clockGuard.check();
  if (trouble === undefined) return { name: 'clock', status: 'ok', text: 'has not gone back' };
  return {
    name: 'clock',
    status: 'fail',
    text: trouble.message,
    ...(trouble.hint === undefined ? {} : { hint: trouble.hint }),
  };
}
