// SPDX-License-Identifier: Apache-2.0
/** `assay config check`: every mistake at once; 1 when there is any. */
import { inspectConfig } from '../config/parse.ts';
import { type ConfigFlags, configSource } from './config-flags.ts';
import type { Io } from './io.ts';
import { plain, printJson } from './print.ts';

export async function configCheck(io: Io, options: ConfigFlags): Promise<number> {
  const { problems, warnings } = await inspectConfig(configSource(io, options));
  if (options.output === 'json') {
    printJson(io, {
      valid: problems.length === 0,
      problems: problems.map(({ reason, message, field, value, hint }) => ({
        reason,
        message,
        field: field ?? null,
        value: value ?? null,
        hint: hint ?? null,
      })),
      warnings,
    });
    return problems.length === 0 ? 0 : 1;
  }
  for (const warning of warnings) io.out(`warning: ${plain(warning)}\n`);
  for (const { message, hint } of problems) {
    io.out(`${plain(message)}\n`);
    if (hint !== undefined) io.out(`  next: ${plain(hint)}\n`);
  }
  if (problems.length === 0) io.out('the configuration is valid\n');
  return problems.length === 0 ? 0 : 1;
}
