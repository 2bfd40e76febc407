// SPDX-License-Identifier: Apache-2.0
/** `assay svid`, `bundle`, `ca` and `authority`: their commands and flags. */

import { type Command, Option } from 'commander';
import type { AuthorityKind } from '../api/admin/wire-authority.ts';
import { addAdminFlags, addPageFlags, once } from './flags.ts';
import type { Program } from './program.ts';

const TAINT_RULES = `When a key may be known to others: prepare, activate --now, taint the old one, and once its SVIDs are replaced, revoke it.
The taint leaves it in the bundle, so that nothing breaks while open streams are given SVIDs of the active one within 10s.`;

const REVOKE_RULES = `Streams whose process still matches get another key and serial in the same second. To keep somebody out: assay identity suspend,
or delete the entry. X.509-SVIDs go on their authority's revocation list, tokens are refused where they are looked up here.`;

const MAP_RULES = `assay bundle set --format map --file trusted.json takes the bundles of all trust domains that are set by hand, in one
SPIFFE bundle map: what the map leaves out is deleted, all of it in one step or nothing. Bundles that a relationship
fetches stay as they are, and may not be in the map.`;

export function addSvidCommands(program: Program): void {
  const svid = program.group(program.root, 'svid', 'what was issued, to whom');
  const list = program.leaf(
    svid,
    'list',
    'list issued SVIDs, the newest first',
    'assay svid list --active',
    async () => {
      return (await import('./svid-list.ts')).svidList;
    },
  );
  list
    .option('--active', 'only those valid now')
    .option('--spiffe-id <id>', 'only those of this identity', once)
    .option('--entry-id <id>', 'only those of this entry', once)
    .option('--revoked', 'only those taken back');
  addAdminFlags(addPageFlags(list));
  const show = program.leaf(svid, 'show <serial>', 'show one issued SVID', 'assay svid show 4be1f0c27d1a', async () => {
    return (await import('./svid-show.ts')).svidShow;
  });
  addAdminFlags(show);
  const revoke = program.leaf(
    svid,
    'revoke [serial]',
    'take back what was issued, before its end',
    { rules: REVOKE_RULES, example: 'assay svid revoke --entry-id web --reason "key seen in a log"' },
    async () => (await import('./svid-revoke.ts')).svidRevoke,
  );
  revoke
    .option('--entry-id <id>', 'all that is valid of this entry', once)
    .option('--spiffe-id <id>', 'all that is valid of this identity', once)
    .option('--authority-id <id>', 'all that is valid and signed by this authority', once)
    .option('--reason <text>', 'why (required)', once);
  addAdminFlags(revoke);
}

export function addBundleCommands(program: Program): void {
  const bundle = program.group(program.root, 'bundle', 'trust bundles: our own and those of other trust domains');
  const format = (command: Command, what: string): Command =>
    command.addOption(new Option('--format <format>', what).choices(['pem', 'spiffe']));
  const mode = (what: string): Option =>
    new Option('--mode <mode>', what).choices(['restrict', 'dissociate', 'delete']);
  const show = program.leaf(
    bundle,
    'show [trust-domain]',
    'print our own bundle, or that of another trust domain',
    'assay bundle show --format spiffe > bundle.json',
    async () => (await import('./bundle-show.ts')).bundleShow,
  );
  addAdminFlags(format(show, 'PEM certificates (unless told) or a SPIFFE bundle document'));
  const list = program.leaf(bundle, 'list', 'list bundles of other trust domains', 'assay bundle list', async () => {
    return (await import('./bundle-list.ts')).bundleList;
  });
  const map = new Option('--format <format>', 'a SPIFFE bundle map: ours and all others as one document');
  addAdminFlags(addPageFlags(list.addOption(map.choices(['map']))));
  const set = program.leaf(
    bundle,
    'set [trust-domain]',
    'trust another trust domain by this bundle, instead of what was there',
    {
      rules: MAP_RULES,
      example: 'assay bundle set partner.example --file partner.pem',
    },
    async () => (await import('./bundle-set.ts')).bundleSet,
  );
  set
    .option('--file <path>', 'the bundle; standard input unless told', once)
    .addOption(
      new Option('--format <format>', 'what the file holds; pem and spiffe are told by its first character').choices([
        'pem',
        'spiffe',
        'map',
      ]),
    )
    .addOption(mode('with --format map: entries that federate with what the map leaves out, as with bundle delete'));
  addAdminFlags(set);
  const remove = program.leaf(
    bundle,
    'delete <trust-domain>',
    'trust a trust domain no longer',
    'assay bundle delete partner.example --mode dissociate',
    async () => (await import('./bundle-delete.ts')).bundleDelete,
  );
  remove.addOption(
    mode('entries that federate with it: refuse while there are any, loosen them, or delete them').default('restrict'),
  );
  addAdminFlags(remove);
}

export function addAuthorityCommands(program: Program): void {
  const ca = program.group(program.root, 'ca', 'the X.509 authority (the same as: assay authority x509)');
  addSteps(program, ca, 'assay ca', 'x509');
  const authority = program.group(program.root, 'authority', 'the keys that sign');
  addSteps(program, program.group(authority, 'x509', 'the X.509 authority'), 'assay authority x509', 'x509');
  addSteps(program, program.group(authority, 'jwt', 'the keys of JWT-SVIDs'), 'assay authority jwt', 'jwt');
  addSteps(program, program.group(authority, 'wit', 'the keys of WIT-SVIDs'), 'assay authority wit', 'wit');
  const rsa = program.group(authority, 'jwt-rsa', 'the keys of JWT-SVIDs for jwt.rsa_audiences');
  addSteps(program, rsa, 'assay authority jwt-rsa', 'jwt-rsa');
}

function addSteps(program: Program, parent: Command, words: string, kind: AuthorityKind): void {
  const show = program.leaf(
    parent,
    'show',
    'show what signs now, what comes next, what is still trusted',
    `${words} show`,
    async () => (await import('./authority-show.ts')).authorityShow.bind(undefined, kind),
  );
  addAdminFlags(show);
  const prepare = program.leaf(
    parent,
    'prepare',
    'make the next authority and publish it in the bundle, ahead of time',
    `${words} prepare`,
    async () => (await import('./authority-prepare.ts')).authorityPrepare.bind(undefined, kind),
  );
  addAdminFlags(prepare);
  const activate = program.leaf(parent, 'activate', 'let the prepared authority sign', `${words} activate`, async () =>
    (await import('./authority-activate.ts')).authorityActivate.bind(undefined, kind),
  );
  activate.option('--now', 'also before its announcement is over: some verifiers do not trust it yet');
  addAdminFlags(activate);
  const taint = program.leaf(
    parent,
    'taint <id>',
    'have all that an old authority signed issued anew',
    { rules: TAINT_RULES, example: `${words} taint 5a0c9d…` },
    async () => (await import('./authority-taint.ts')).authorityTaint.bind(undefined, kind),
  );
  addAdminFlags(taint);
  const revoke = program.leaf(
    parent,
    'revoke <id>',
    'take a tainted authority out of the bundle',
    { rules: TAINT_RULES, example: `${words} revoke 5a0c9d…` },
    async () => (await import('./authority-revoke.ts')).authorityRevoke.bind(undefined, kind),
  );
  revoke.option('--force', 'also while something that it signed is still valid, and is refused from then on');
  addAdminFlags(revoke);
}
