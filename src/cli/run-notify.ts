// SPDX-License-Identifier: Apache-2.0
/** Tells systemd that the daemon serves, or stops, where NOTIFY_SOCKET is set. Not being heard stops nothing. */
import type { Logger } from '../telemetry/logger.ts';

export async function tellServiceManager(
  env: ReadonlyMap<string, string>,
  state: 'READY=1' | 'STOPPING=1',
  log: Logger,
): Promise<void> {
  const socket = env.get('NOTIFY_SOCKET');
  if (socket === undefined || socket === '') return;
  const { notifyServiceManager } = await import('../peer/service-manager.ts');
  try {
    notifyServiceManager(socket, state);
  } catch (err) {
    log.warn({ err, state }, 'the service manager could not be told');
  }
}
