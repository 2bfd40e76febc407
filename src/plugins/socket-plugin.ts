// SPDX-License-Identifier: Apache-2.0
/**
 * A plugin that somebody else runs, at a socket of its own. Nobody but root or the daemon can have made the socket's
 * name, and the kernel names the uid that listens behind it (attack A13).
 */
import { dirname } from 'node:path';
import { distrust } from '../config/trusted-path.ts';
import { Failure, quote } from '../lib/failure.ts';
import { type ServedBy, servedBy, servedBySocket } from '../peer/served-by.ts';
import type { PluginSource } from './supervisor.ts';

export interface SocketOptions {
  readonly socket: string;
  /** Who must listen there. */
  readonly uid: number;
}

/** `ownUid`: the daemon's. */
export function socketSource({ socket, uid }: SocketOptions, ownUid: number): PluginSource {
  const isTheirs = (server: ServedBy): boolean => {
    // guard: A13 test/plugins/socket-plugin.test.ts
    if (server.uid !== uid) return false;
    return true;
  };
  return {
    what: `${socket} of uid ${uid}`,
    begin: async () => {
      const found = distrust(dirname(socket), new Set([0, ownUid]), 'folder');
      // guard: A13 test/plugins/socket-plugin.test.ts — looked at each time: a folder may have been changed since
      if (found !== undefined) throw unsafe(found.path, found.reason, found.hint);
      return {
        place: {
          path: socket,
          isServer: (connected) => isTheirs(servedBySocket(connected)),
          isPidfdServer: (fd) => isTheirs(servedBy(fd)),
        },
        ended: new Promise(() => undefined),
        stop: async () => undefined,
      };
    },
  };
}

function unsafe(path: string, reason: string, hint: string): Failure {
  return new Failure(
    'unavailable',
    'PLUGIN_UNAVAILABLE',
    `the folder ${quote(path)} of the plugin’s socket ${reason}`,
    { hint },
  );
}
