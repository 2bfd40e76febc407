// SPDX-License-Identifier: Apache-2.0
/** `assay helper`: its flags. */
import { Option } from 'commander';
import { once } from './flags.ts';
import type { Program } from './program.ts';

const RULES = `Keeps certificates, keys, tokens and bundles fresh in files, then signals a process, runs a command or signals the program
that it has started, only when something that it wrote has changed. A key never lies beside a certificate that it does not fit.
When the daemon is away the last files stay.
The configuration is YAML (docs/helper.md), or one of spiffe-helper's, as it is.
Exit status: 0 after SIGTERM or SIGINT, or with --once when everything was written; that of the program with supervise; 1 if it
cannot do its work, 2 for a wrong command line.`;

export function addHelperCommand(program: Program): void {
  const helper = program.leaf(
    program.root,
    'helper',
    'keep identities fresh in files, for programs that know nothing of SPIFFE',
    { rules: RULES, example: 'assay helper --config /etc/assay/helper.yaml' },
    async () => (await import('./helper.ts')).helper,
  );
  helper
    .option('--config <file>', 'what to write where: YAML, or spiffe-helper’s HCL (required)', once)
    .option('--socket <uri>', 'the Workload API, before what the configuration says', once)
    .option('--once', 'write everything once and end, for init containers')
    .option('--timeout <duration>', 'with --once: how long to wait; 1m unless told', once)
    .option('--accept-shared-folders', 'write keys also where others may write, and take the blame')
    .addOption(
      new Option('--log-level <level>', 'what is logged').choices(['error', 'warn', 'info', 'debug']).default('info'),
    )
    .addOption(new Option('--log-format <format>', 'how it is logged').choices(['text', 'json']).default('text'));
}
