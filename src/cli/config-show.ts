// SPDX-License-Identifier: Apache-2.0
/** `assay config show`: what is in force and where each value comes from. There are no secrets among the settings. */
import { inspectConfig } from '../config/parse.ts';
import { type ConfigFlags, configSource } from './config-flags.ts';
import type { Io } from './io.ts';
import { plain, printJson, printTable } from './print.ts';

export async function configShow(io: Io, options: ConfigFlags): Promise<number> {
  const { problems, warnings, explained } = await inspectConfig(configSource(io, options));
  const [first] = problems;
  if (first !== undefined) throw first;
  for (const warning of warnings) io.talk(`warning: ${plain(warning)}\n`);
  if (options.output === 'json') {
    printJson(io, { settings: explained.map(({ key, value, source }) => ({ key, value, source })) });
    return 0;
  }
  printTable(
    io,
    ['KEY', 'VALUE', 'FROM'],
    explained.map(({ key, value, source }) => [key, value === '' ? '-' : value, source]),
  );
  return 0;
}
