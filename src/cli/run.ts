// SPDX-License-Identifier: Apache-2.0
/**
 * `assay run`: reads the configuration, starts the daemon, says where it listens, and stops it when asked. The first
 * SIGTERM or SIGINT lets open calls end well; a second one stops waiting.
 */

import type { Config } from '../config/config.ts';
import { inspectConfig, validConfig } from '../config/parse.ts';
import { defaultPaths } from '../config/paths.ts';
import type { RunningDaemon } from '../daemon/daemon.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import type { RootLogger } from '../telemetry/log.ts';
import { useCompileCache } from './compile-cache.ts';
import { type ConfigFlags, configSource } from './config-flags.ts';
import { keepHeapSmall } from './heap-growth.ts';
import { type Io, outliveReaders } from './io.ts';
import { tellServiceManager } from './run-notify.ts';

export async function run(io: Io, options: ConfigFlags): Promise<number> {
  const source = configSource(io, options);
  const inspected = await inspectConfig(source);
  const config = validConfig(inspected, source);
  useCompileCache(config.dataDir, io.uid);
  const { createLogger } = await import('../telemetry/log.ts');
  const log = createLogger(config.log);
  for (const warning of inspected.warnings) log.warn({ warning }, 'configuration');
  guardProcess(log);
  outliveReaders();
  const asked = stopRequest(log);
  if (io.uid !== 0) {
    io.talk(
      `warning: not root: this is for development. Every process of uid ${io.uid} can act on this daemon's files and ` +
        'socket, and programs of one user cannot be told apart for certain.\n',
    );
  }
  try {
    const { startDaemon } = await import('../daemon/daemon.ts');
    const daemon = await startDaemon(config, { clock: systemClock, random: systemRandom, log });
    keepHeapSmall();
    announce(io, options, config, daemon);
    await tellServiceManager(io.env, 'READY=1', log);
    const signal = await asked;
    await tellServiceManager(io.env, 'STOPPING=1', log);
    log.info({ signal }, 'stopping');
    await daemon.stop();
    log.info({}, 'stopped');
    return 0;
  } finally {
    log.flush();
  }
}

function announce(io: Io, options: ConfigFlags, config: Config, daemon: RunningDaemon): void {
  const { trustDomain, workloadSocket, adminSocket } = daemon;
  if (options.output === 'json') {
    const ready = { trust_domain: trustDomain.name, workload_socket: workloadSocket, admin_socket: adminSocket };
    io.out(`${JSON.stringify({ ready: { ...ready, pid: process.pid } })}\n`);
    return;
  }
  const elsewhere = adminSocket !== defaultPaths(io.uid, io.env).admin;
  const socket = elsewhere ? ` --admin-socket ${adminSocket}` : '';
  const next = `assay entry create${socket} --spiffe-id ${trustDomain.id}/me --selector unix:uid:${io.uid}`;
  io.out(
    `ready: ${trustDomain.name}; workloads: unix://${workloadSocket}; admin: ${config.sockets.admin}; next: ${next}\n`,
  );
}

/** Nothing that happens to the process may open a debugger or print what it holds. */
function guardProcess(log: RootLogger): void {
  // SIGUSR1 would open Node's debugger to every local uid (attack B1); bin/assay forbids it too.
  // guard: B1 test/cli/run-signals.test.ts
  process.on('SIGUSR1', () => log.warn({}, 'SIGUSR1 ignored'));
  // SIGHUP ends a process by default; a daemon outlives its terminal.
  process.on('SIGHUP', () => log.info({}, 'SIGHUP ignored: there is nothing to reload'));
  // Node would print the error with all it carries; here it goes through the log, scrubbed (I10).
  const fatal = (err: unknown): void => {
    log.error({ err }, 'unexpected error; the daemon ends');
    log.flush();
    process.exit(1);
  };
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);
}

/** Resolves with the first SIGTERM or SIGINT. */
function stopRequest(log: RootLogger): Promise<string> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (signal: string): void => {
      if (!asked) {
        asked = true;
        resolve(signal);
        return;
      }
      log.warn({ signal }, 'asked again to stop; not waiting for open calls');
      log.flush();
      process.exit(1);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
