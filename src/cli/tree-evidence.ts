// SPDX-License-Identifier: Apache-2.0
/** `assay evidence`: its commands and flags. */
import { addAdminFlags, once } from './flags.ts';
import { collect, type Program } from './program.ts';

const VERIFY_RULES = `Needs no daemon and no network: only the file, the key of the log as it was known before (--log-key), and the public keys of those who
approved as they are known (--human-key). Without them the file is held against itself, and what it says of keys is only what it says.
What it proves and what not is in docs/evidence.md.`;

export function addEvidenceCommands(program: Program): void {
  const evidence = program.leaf(
    program.root,
    'evidence <task>',
    'one file with all that there is of a task, to be checked elsewhere',
    'assay evidence 01jdq3v8k2m5n7p9r1t3v5x7z9 --out ticket-4711.evidence',
    async () => (await import('./evidence.ts')).evidence,
  );
  addAdminFlags(
    evidence.option('--out <file>', 'write it there, and not over what is there; else it is printed', once),
  );
  const verify = program.leaf(
    evidence,
    'verify <file>',
    'check such a file',
    {
      rules: VERIFY_RULES,
      example: 'assay evidence verify ticket-4711.evidence --log-key "$(cat log-key)" --human-key alice=alice.pub',
    },
    async () => (await import('./evidence-verify.ts')).evidenceVerify,
  );
  verify
    .option('--log-key <key>', 'of the log, as the daemon printed it: assay audit checkpoint --key', once)
    .option('--human-key <name=file>', 'a public key of somebody who may have approved (repeat)', collect);
}
