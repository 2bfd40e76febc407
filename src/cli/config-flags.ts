// SPDX-License-Identifier: Apache-2.0
/** The flags that stand for keys of the configuration, as `config/` takes them. */
import type { ConfigSource } from '../config/parse.ts';
import type { Io } from './io.ts';
import type { Format } from './print.ts';

export interface ConfigFlags {
  readonly output: Format;
  readonly config?: string;
  readonly trustDomain?: string;
  readonly dataDir?: string;
  readonly workloadSocket?: string;
  readonly adminSocket?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

export function configSource(io: Io, flags: ConfigFlags): ConfigSource {
  const given: readonly (readonly [string, string | undefined])[] = [
    ['trust_domain', flags.trustDomain],
    ['data_dir', flags.dataDir],
    ['sockets.workload', flags.workloadSocket],
    ['sockets.admin', flags.adminSocket],
    ['log.level', flags.logLevel],
    ['log.format', flags.logFormat],
  ];
  return {
    ...(flags.config === undefined ? {} : { file: flags.config }),
    flags: new Map(given.filter((pair) => pair[1] !== undefined)),
    env: io.env,
    uid: io.uid,
  };
}
