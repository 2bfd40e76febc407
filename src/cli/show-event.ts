// SPDX-License-Identifier: Apache-2.0
/** Events of the log as JSON and in words. */
import type { WireEvent } from '../api/admin/wire-audit.ts';
import { instant } from './print.ts';

export function eventJson(event: WireEvent): object {
  return {
    seq: Number(event.seq),
    at: new Date(Number(event.at)).toISOString(),
    kind: event.kind,
    actor: event.actor,
    identity: event.identity === '' ? null : event.identity,
    task: event.task === '' ? null : event.task,
    payload_sha256: event.payload_sha256.toString('hex'),
    payload: event.payload === undefined ? null : (JSON.parse(event.payload) as object),
  };
}

export const EVENT_HEADING = ['SEQ', 'AT', 'KIND', 'ACTOR', 'IDENTITY', 'WHAT'];

export function eventCells(event: WireEvent): readonly string[] {
  return [event.seq, instant(Number(event.at)), event.kind, event.actor, event.identity || '-', gist(event)];
}

/** As much as a line of a terminal bears. */
const GIST = 100;

/** The few names that tell most; all of it is in the JSON. */
const TELLING = [
  'id',
  'key',
  'serial',
  'reason',
  'state',
  'state_reason',
  'selectors',
  'trust_domain',
  'cause',
  'count',
  'version',
];

function gist({ payload }: WireEvent): string {
  if (payload === undefined) return '(erased)';
  const said = new Map(Object.entries(JSON.parse(payload) as object));
  const parts = TELLING.filter((name) => said.has(name) && said.get(name) !== null && said.get(name) !== '').map(
    (name) => `${name}=${String(said.get(name)).replaceAll('\n', ',')}`,
  );
  const text = parts.join(' ');
  return text.length > GIST ? `${text.slice(0, GIST)}…` : text;
}
