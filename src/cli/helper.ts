// SPDX-License-Identifier: Apache-2.0
/** `assay helper`: keeps files fresh for programs that know nothing of SPIFFE. */
import { serveHealth } from '../helper/health-server.ts';
import { Helper, type HelperStatus } from '../helper/helper.ts';
import { readHelperConfig } from '../helper/read-config.ts';
import type { HelperSettings } from '../helper/settings.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { createLogger, type LogLevel, type RootLogger } from '../telemetry/log.ts';
import { type Io, outliveReaders } from './io.ts';
import { type Format, instant, printJson } from './print.ts';
import { tellServiceManager } from './run-notify.ts';
import { required } from './usage.ts';
import { seconds } from './values.ts';
import { workloadPlace } from './workload-place.ts';

interface Options {
  readonly output: Format;
  readonly config?: string;
  readonly socket?: string;
  readonly once?: boolean;
  readonly timeout?: string;
  readonly acceptSharedFolders?: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
}

const WRITTEN_WITHIN_SECONDS = 60;
/** Handed on to a supervised program. SIGTERM and SIGINT are as well, and stop the helper. */
const HANDED_ON: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGQUIT', 'SIGWINCH'];

export async function helper(io: Io, options: Options): Promise<number> {
  const file = required(options.config, '--config');
  const timeout = options.timeout === undefined ? WRITTEN_WITHIN_SECONDS : seconds(options.timeout, '--timeout');
  const acceptShared = options.acceptSharedFolders === true;
  const read = await readHelperConfig({ file, uid: io.uid, env: io.env, workingFolder: process.cwd(), acceptShared });
  const settings = options.once === true ? { ...read, once: true } : read;
  const socket = options.socket ?? settings.socket;
  const { endpoint } = await workloadPlace(io, { output: options.output, ...(socket === undefined ? {} : { socket }) });
  const log = createLogger({ level: options.logLevel, format: options.logFormat });
  for (const warning of settings.warnings) log.warn({ warning }, 'configuration');
  const account = { uid: io.uid, gid: process.getgid!() };
  const tools = { clock: systemClock, random: systemRandom, log, ...account, env: io.env, acceptShared };
  try {
    const running = new Helper(settings, endpoint.uri, tools);
    return settings.once ? await writeOnce(io, options, running, timeout) : await keepOn(io, running, settings, log);
  } finally {
    log.flush();
  }
}

async function writeOnce(io: Io, { output }: Options, running: Helper, timeoutSeconds: number): Promise<number> {
  try {
    await running.written(timeoutSeconds * 1_000);
    if (output === 'json') printJson(io, writtenJson(running.status()));
    return 0;
  } finally {
    await running.stop('SIGTERM');
  }
}

export function writtenJson({ targets }: HelperStatus): object {
  return {
    written: targets.map(({ name, folder, files, freshUntil }) => ({
      name,
      folder,
      files,
      fresh_until: freshUntil === undefined ? null : instant(freshUntil),
    })),
  };
}

async function keepOn(io: Io, running: Helper, { health }: HelperSettings, log: RootLogger): Promise<number> {
  outliveReaders();
  guardProcess(running, log);
  const asked = stopRequest(running);
  const server = health === undefined ? undefined : await serveHealth(health, () => running.status(), systemClock.now);
  void running.written(Number.POSITIVE_INFINITY).then(() => tellServiceManager(io.env, 'READY=1', log));
  try {
    const ending = await Promise.race([asked, running.gone]);
    await tellServiceManager(io.env, 'STOPPING=1', log);
    if (typeof ending === 'number') {
      await running.stop('SIGTERM');
      return ending;
    }
    log.info({ signal: ending }, 'stopping');
    return await running.stop(ending);
  } finally {
    await server?.close();
  }
}

/** As `assay run`: Node would print an error with all it carries, and SIGUSR1 would open its debugger to every local uid. */
function guardProcess(running: Helper, log: RootLogger): void {
  for (const signal of HANDED_ON) process.on(signal, () => running.forward(signal));
  const fatal = (err: unknown): void => {
    log.error({ err }, 'unexpected error; the helper ends, the files stay');
    log.flush();
    running.forward('SIGTERM');
    process.exit(1);
  };
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);
}

/** Resolves with the first SIGTERM or SIGINT; those that follow are handed on as they are. */
function stopRequest(running: Helper): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (asked) running.forward(signal);
      asked = true;
      resolve(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
