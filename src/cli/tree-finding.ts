// SPDX-License-Identifier: Apache-2.0
/** `assay finding` and `report`: their commands and flags. */
import { addAdminFlags, addPageFlags, once } from './flags.ts';
import type { Program } from './program.ts';

const REPORT_RULES = `Each number is drawn from what the daemon has stored, at one moment. A metric with a target is met or missed; one without is there to
be watched. Below stand those that miss it, or are worth a look.`;

export function addFindingCommands(program: Program): void {
  const finding = program.group(program.root, 'finding', 'what detectors found and somebody has to look at');
  const list = program.leaf(
    finding,
    'list',
    'list findings, the newest first',
    'assay finding list --open',
    async () => (await import('./finding-list.ts')).findingList,
  );
  list
    .option('--open', 'only those that nobody has closed')
    .option('--identity <id>', 'only those of this identity', once)
    .option('--detector <name>', 'only those of this detector', once);
  addAdminFlags(addPageFlags(list));
  const show = program.leaf(finding, 'show <id>', 'show one finding', 'assay finding show 17', async () => {
    return (await import('./finding-show.ts')).findingShow;
  });
  addAdminFlags(show);
  const close = program.leaf(
    finding,
    'close <id>',
    'close a finding: it was looked at, and this came of it',
    'assay finding close 17 --resolution "moved to the secret store"',
    async () => (await import('./finding-show.ts')).findingClose,
  );
  addAdminFlags(close.option('--resolution <text>', 'what was done (required)', once));
  const report = program.leaf(
    program.root,
    'report',
    'tell how well identities are looked after, in numbers',
    { rules: REPORT_RULES, example: 'assay report --fail' },
    async () => (await import('./report.ts')).report,
  );
  report
    .option('--offenders <n>', 'name so many of each; 10 unless told, 0 for none', once)
    .option('--fail', 'exit status 1 where a target is missed');
  addAdminFlags(report);
}
