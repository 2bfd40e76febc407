// SPDX-License-Identifier: Apache-2.0
/** `assay helper`: keeps files fresh for programs that know nothing of SPIFFE. */
import { serveHealth } from '../helper/health-server.ts';
import { Helper } from '../helper/helper.ts';
import { readHelperConfig } from '../helper/read-config.ts';
import type { HelperSettings } from '../helper/settings.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { createLogger, type LogLevel, type RootLogger } from '../telemetry/log.ts';
import { type Io, outliveReaders } from './io.ts';
import type { Format } from './print.ts';
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
  const acceptShared = options.acceptSharedFolders === true;
  const place = { file, uid: io.uid, env: io.env, workingFolder: process.cwd(), acceptShared };
  const read = await readHelperConfig(place);
  const settings = options.once === true ? { ...read, once: true } : read;
  const timeout = options.timeout === undefined ? WRITTEN_WITHIN_SECONDS : seconds(options.timeout, '--timeout');
  const socket = options.socket ?? settings.socket;
  const { endpoint } = await workloadPlace(io, { output: options.output, ...(socket === undefined ? {} : { socket }) });
  const log = createLogger({ level: options.logLevel, format: options.logFormat });
  for (const warning of settings.warnings) log.warn({ warning }, 'configuration');
  const tools = {
    clock: systemClock,
    random: systemRandom,
    log,
    uid: io.uid,
    gid: process.getgid!(),
    env: io.env,
    acceptShared,
  };
  try {
    const running = new Helper(settings, endpoint.uri, tools);
    return settings.once ? await writeOnce(running, timeout) : await keepOn(running, settings, log);
  } finally {
    log.flush();
  }
}

async function writeOnce(running: Helper, timeoutSeconds: number): Promise<number> {
  try {
    await running.written(timeoutSeconds * 1_000);
    return 0;
  } finally {
    await running.stop('SIGTERM');
  }
}

async function keepOn(running: Helper, { health }: HelperSettings, log: RootLogger): Promise<number> {
  outliveReaders();
  for (const signal of HANDED_ON) process.on(signal, () => running.forward(signal));
  const asked = stopRequest(running);
  const server = health === undefined ? undefined : await serveHealth(health, () => running.status(), systemClock.now);
  try {
    const ending = await Promise.race([asked, running.gone]);
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
