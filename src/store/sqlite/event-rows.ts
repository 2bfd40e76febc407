// SPDX-License-Identifier: Apache-2.0
/** Events with their payloads: kept beside them, or, of an issuance, made again from its row. */
import { type EventRecord, issuancePayload } from '../events.ts';

export const EVENT_FROM =
  'event t LEFT JOIN event_payload p ON p.seq = t.seq LEFT JOIN issuance i ON i.seq = t.issuance';

/** Bytes as hexadecimal: a blob of the driver's has memory of its own, which costs more than all else of a row. */
export const EVENT_COLUMNS = `t.seq, t.at, t.kind, t.actor, t.identity, t.task, lower(hex(t.payload_sha256)),
  lower(hex(t.leaf_hash)),
  iif(p.salt IS NULL, NULL, lower(hex(p.salt))), p.payload, iif(i.salt IS NULL, NULL, lower(hex(i.salt))), i.seq, lower(hex(i.serial)), i.entry_id, i.authority_id, i.not_before, i.not_after,
  i.asked_ttl_ms, i.pid, i.uid, i.gid, i.start_time, i.marks, i.facts, i.audiences, t.issuance`;

const ISSUANCE_SEQ = 25;

const SALT = 8;
const PAYLOAD = 9;
const ISSUANCE = 10;

export function eventOf(row: readonly unknown[]): EventRecord {
  return {
    seq: row[0] as number,
    at: row[1] as number,
    kind: row[2] as string,
    actor: row[3] as string,
    identity: row[4] as string | null,
    task: row[5] as string | null,
    payloadSha256: bytes(row[6]),
    leafHash: bytes(row[7]),
    issuance: row[ISSUANCE_SEQ] as number | null,
    payload: payloadOf(row),
  };
}

function bytes(hexadecimal: unknown): Buffer {
  return Buffer.from(hexadecimal as string, 'hex');
}

function payloadOf(row: readonly unknown[]): EventRecord['payload'] {
  if (row[SALT] !== null) return { salt: bytes(row[SALT]), text: row[PAYLOAD] as string };
  if (row[ISSUANCE] === null) return undefined;
  return { salt: bytes(row[ISSUANCE]), text: issuanceText(row.slice(ISSUANCE + 1)) };
}

function issuanceText(row: readonly unknown[]): string {
  return issuancePayload({
    seq: row[0] as number,
    serial: row[1] as string,
    entryId: row[2] as string,
    authorityId: row[3] as string,
    notBefore: row[4] as number,
    notAfter: row[5] as number,
    askedTtlMs: row[6] as number,
    pid: row[7] as number,
    uid: row[8] as number,
    gid: row[9] as number,
    startTime: row[10] as string,
    marks: row[11] as string,
    facts: row[12] as string,
    audiences: row[13] as string,
  });
}
