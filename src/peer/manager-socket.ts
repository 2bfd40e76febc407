// SPDX-License-Identifier: Apache-2.0
/**
 * Where the system manager is asked. Its own socket is root's to ask, and nobody stands between; another uid asks over the
 * system bus, as root does where there is no such socket. Either way who listens has to be of our pid namespace, since a pid
 * of another one would be a stranger (attack A4).
 */
import { statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Failure } from '../lib/failure.ts';
import { connectUpstream, type UpstreamRules } from './upstream-socket.ts';

export interface ManagerPlaces {
  /** Of the manager itself. */
  readonly own: string;
  /** Of the system bus. */
  readonly bus: string;
  /** There while systemd is the first process (sd_booted(3)). */
  readonly booted: string;
}

export const MANAGER_PLACES: ManagerPlaces = {
  own: '/run/systemd/private',
  bus: '/run/dbus/system_bus_socket',
  booted: '/run/systemd/system',
};

const FIELD = 'attestors.systemd';
const FIRST_PROCESS = 1;

/** Throws Failure `SYSTEMD_ABSENT` on a machine that systemd did not start. */
export function requireSystemd({ booted }: Pick<ManagerPlaces, 'booted'> = MANAGER_PLACES): void {
  if (statSync(booted, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new Failure('failed-precondition', 'SYSTEMD_ABSENT', `${FIELD}: this machine was not started by systemd`, {
    field: FIELD,
    value: booted,
    hint: 'remove attestors.systemd; in a container the machine’s own systemd cannot be asked',
  });
}

/** Rejects as `connectUpstream` does. `uid`: the daemon's. */
export async function connectManager(
  uid: number,
  signal: AbortSignal,
  places: ManagerPlaces = MANAGER_PLACES,
): Promise<{ readonly socket: Socket; readonly isBus: boolean }> {
  const own: UpstreamRules = { path: places.own, field: FIELD, uid: 0, pid: FIRST_PROCESS };
  const bus: UpstreamRules = { path: places.bus, field: FIELD, uid: 0, pid: 'of our namespace', isOpen: true };
  const asksItself = uid === 0 && statSync(places.own, { throwIfNoEntry: false }) !== undefined;
  return asksItself
    ? { socket: await connectUpstream(own, signal), isBus: false }
    : { socket: await connectUpstream(bus, signal), isBus: true };
}
