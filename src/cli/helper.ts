// SPDX-License-Identifier: Apache-2.0
/** `assay helper`: keeps files fresh for programs that know nothing of SPIFFE. */

import { Helper } from '../helper/helper.ts';
import { readHelperConfig } from '../helper/read-config.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import type { LogLevel } from '../telemetry/log.ts';
import { createLogger } from '../telemetry/log.ts';
import type { Io } from './io.ts';
import type { Format } from './print.ts';
import { required } from './usage.ts';
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

export async function helper(io: Io, options: Options): Promise<number> {
  const file = required(options.config, '--config');
  const acceptShared = options.acceptSharedFolders === true;
  const settings = await readHelperConfig({
    file,
    uid: io.uid,
    env: io.env,
    workingFolder: process.cwd(),
    acceptShared,
  });
  const socket = options.socket ?? settings.socket;
  const place = await workloadPlace(io, { output: options.output, ...(socket === undefined ? {} : { socket }) });
  const log = createLogger({ level: options.logLevel, format: options.logFormat });
  const running = new Helper(settings, place.endpoint.uri, {
    clock: systemClock,
    random: systemRandom,
    log,
    uid: io.uid,
    gid: process.getgid!(),
    acceptShared,
  });
  await new Promise<void>((resolve) => io.interrupted().addEventListener('abort', () => resolve()));
  await running.close();
  log.flush();
  return 0;
}
