// SPDX-License-Identifier: Apache-2.0
/** `assay policy` and `why`: their commands and flags. */
import { addAdminFlags, addPageFlags, once } from './flags.ts';
import { collect, type Program } from './program.ts';

const FOLDER_RULES = `A folder holds the policies as files *.cedar, and their tests in tests.yaml. Folders within it are refused, not skipped.`;
const APPLY_RULES = `${FOLDER_RULES} The policies are checked and their tests run here first; what fails is not sent. The daemon checks them again. Those that
are refused leave what decides as it is, and health says so.`;
const WHY_RULES = `What is not said is taken for granted and printed: an active task that declared what is asked, no secret in the environment, uids not
known. With --request, the request is read from a file as docs/policy.md has it; principal and target may be names that the daemon knows.`;

export function addPolicyCommands(program: Program): void {
  const policy = program.group(program.root, 'policy', 'the policies that decide about tasks');
  addOffline(program, policy);
  const sets = async () => import('./policy-sets.ts');
  const apply = program.leaf(
    policy,
    'apply <folder>',
    'let these policies decide',
    { rules: APPLY_RULES, example: 'assay policy apply /etc/assay/policies' },
    async () => (await sets()).policyApply,
  );
  addAdminFlags(apply);
  const shadow = program.leaf(
    policy,
    'shadow [folder]',
    'try policies beside those that decide; assay policy list tells where they differ',
    { rules: APPLY_RULES, example: 'assay policy shadow ./candidate\nassay policy shadow --end' },
    async () => (await sets()).policyShadow,
  );
  addAdminFlags(shadow.option('--end', 'end the trial'));
  const rollback = program.leaf(
    policy,
    'rollback [hash]',
    'let those policies decide again that did before, or those of a hash',
    'assay policy rollback',
    async () => (await sets()).policyRollback,
  );
  addAdminFlags(rollback);
  const list = program.leaf(
    policy,
    'list',
    'list the sets of policies that decide, did, or are tried',
    'assay policy list',
    async () => (await sets()).policyList,
  );
  addAdminFlags(addPageFlags(list));
  const show = program.leaf(
    policy,
    'show [hash]',
    'show the policies that decide, or those of a hash',
    'assay policy show',
    async () => (await sets()).policyShow,
  );
  addAdminFlags(show);
  addWhy(program);
}

function addOffline(program: Program, policy: ReturnType<Program['group']>): void {
  const offline = async () => import('./policy-offline.ts');
  program.leaf(
    policy,
    'check <folder>',
    'check policies, without a daemon; 1 where something is wrong',
    { rules: FOLDER_RULES, example: 'assay policy check /etc/assay/policies' },
    async () => (await offline()).policyCheck,
  );
  program.leaf(
    policy,
    'test <folder>',
    'run the tests of policies, without a daemon; 1 where one fails',
    { rules: FOLDER_RULES, example: 'assay policy test /etc/assay/policies' },
    async () => (await offline()).policyTest,
  );
  program
    .leaf(
      policy,
      'explain <folder>',
      'tell what policies decide, and which of them alone stands in the way, without a daemon',
      { rules: FOLDER_RULES, example: 'assay policy explain /etc/assay/policies --test "refunds need a human"' },
      async () => (await offline()).policyExplain,
    )
    .option('--test <name>', 'the request of this test', once)
    .option('--request <file>', 'the request of this file, YAML or JSON', once);
}

function addWhy(program: Program): void {
  const why = program.leaf(
    program.root,
    'why [spiffe-id] [target] [intents...]',
    'tell what the daemon would decide, by which policies, and what would change it',
    {
      rules: WHY_RULES,
      example: 'assay why spiffe://example.org/agent/support-bot payments refund --action issue',
    },
    async () => (await import('./why.ts')).why,
  );
  why
    .option('--request <file>', 'the request of this file, YAML or JSON, instead', once)
    .option('--action <begin|issue|use>', 'begin unless told', once)
    .option('--ttl <duration>', 'how long it would be good; 5m unless told', once)
    .option('--depth <n>', 'how deep the task is below another', once)
    .option(
      '--approval <human:strength[:uid]>',
      'as if approved: alice:touch, bob:key:other; may be given again',
      collect,
    )
    .option('--uid-relation <other|same|unknown>', 'of who would approve to the uid of the agent', once)
    .option('--secrets <found|none-seen|unreadable>', 'of the process environment', once)
    .option('--selector <type:value>', 'that the process has; may be given again', collect)
    .option('--finding <detector>', 'that is open; may be given again', collect);
  addAdminFlags(why);
}
