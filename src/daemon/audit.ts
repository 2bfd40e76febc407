// SPDX-License-Identifier: Apache-2.0
/** The log at the start and the end of a daemon: held against its anchors, its key opened, checkpoints signed from then on. */
import { anchorsOf, compareWithAnchors } from '../audit/anchors.ts';
import { Checkpoints } from '../audit/checkpoints.ts';
import { openLogKey } from '../audit/log-key.ts';
import type { Config } from '../config/config.ts';
import { canonicalJson, type Json } from '../lib/canonical-json.ts';
import type { Clock } from '../lib/clock.ts';
import { verifierKey } from '../merkle/note.ts';
import type { AuditStore, EventKind } from '../store/events.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Who does what nobody asked for. */
const DAEMON = 'assay';

export interface AuditRooms {
  readonly config: Pick<Config, 'dataDir' | 'audit'>;
  readonly store: Store;
  /** `spiffe://TD/spire/agent/assay/<16 hex>`. */
  readonly nodeId: string;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Rejects where the log has lost what an anchored checkpoint is over (attack B5), or its key cannot be used. */
export async function startAudit(
  rooms: AuditRooms,
): Promise<Pick<Checkpoints, 'name' | 'now' | 'verifierKey' | 'health' | 'close'>> {
  const { config, store, nodeId, version, clock, log } = rooms;
  const { audit } = store;
  const anchors = anchorsOf(config.dataDir, config.audit.checkpointFile);
  await compareWithAnchors(audit, anchors);
  const { signer, isNew } = await openLogKey(config.dataDir, logName(nodeId));
  const note = noteTo(audit, clock);
  if (isNew) {
    const earlier = audit.latestCheckpoint();
    if (earlier !== undefined)
      log.warn(
        { size: earlier.size },
        'the key of the log was gone: a new one was made, and earlier checkpoints are of the old',
      );
    await note('log.key', { key: verifierKey(signer) });
  }
  await note('daemon.start', { version, pid: process.pid });
  const checkpoints = new Checkpoints({ audit, signer, anchors, clock, log });
  return {
    name: checkpoints.name,
    now: () => checkpoints.now(),
    verifierKey: () => checkpoints.verifierKey(),
    health: () => checkpoints.health(),
    async close() {
      await note('daemon.stop', { version, pid: process.pid }).catch((error: unknown) => {
        log.warn({ err: error }, 'that the daemon stops could not be written to the log');
      });
      await checkpoints.close();
    },
  };
}

function noteTo(
  audit: AuditStore,
  clock: Clock,
): (kind: EventKind, what: { readonly [name: string]: Json }) => Promise<void> {
  return async (kind, what) => {
    await audit.append({ kind, at: clock.now(), actor: DAEMON, identity: null, payload: canonicalJson(what) });
  };
}

/** One for each daemon: `TD/assay/<16 hex>`. A trust domain's name has no character that a log's must not have. */
function logName(nodeId: string): string {
  const [, trustDomain = '', node = ''] = /^spiffe:\/\/([^/]+)\/.*\/([^/]+)$/.exec(nodeId) ?? [];
  return `${trustDomain}/assay/${node}`;
}
