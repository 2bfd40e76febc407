// SPDX-License-Identifier: Apache-2.0
/** `assay federation`: its commands and flags. */
import { addAdminFlags, addPageFlags, once } from './flags.ts';
import type { Program } from './program.ts';

const CREATE_RULES = `https_web: the endpoint proves itself by a certificate for its host that this machine's authorities vouch for.
https_spiffe: it proves itself by an X.509-SVID of --endpoint-spiffe-id. Where that is an ID of the same trust domain, the
first bundle is given with --bundle (from the other side: assay bundle show --format spiffe); later ones are fetched.
Entries get the other trust domain's bundle with --federates-with.`;

export function addFederationCommands(program: Program): void {
  const federation = program.group(program.root, 'federation', 'trust domains whose bundles are fetched');
  const create = program.leaf(
    federation,
    'create',
    "fetch another trust domain's bundle from now on",
    {
      rules: CREATE_RULES,
      example:
        'assay federation create --trust-domain partner.example --url https://partner.example/bundle.json --profile https_web',
    },
    async () => (await import('./federation-create.ts')).federationCreate,
  );
  create
    .option('--trust-domain <name>', 'whose bundle it is (required)', once)
    .option('--url <url>', 'where it is fetched (required)', once)
    .option('--profile <profile>', 'how the endpoint proves itself: https_web or https_spiffe (required)', once)
    .option('--endpoint-spiffe-id <id>', 'with https_spiffe: who the endpoint has to be', once)
    .option('--bundle <file>', 'with https_spiffe: the first bundle, PEM or a SPIFFE bundle document', once);
  addAdminFlags(create);
  const list = program.leaf(federation, 'list', 'list relationships', 'assay federation list', async () => {
    return (await import('./federation-list.ts')).federationList;
  });
  addAdminFlags(addPageFlags(list));
  const shown = async () => import('./federation-show.ts');
  const show = program.leaf(
    federation,
    'show <trust-domain>',
    'show a relationship and how its last fetch went',
    'assay federation show partner.example',
    async () => (await shown()).federationShow,
  );
  addAdminFlags(show);
  const refresh = program.leaf(
    federation,
    'refresh <trust-domain>',
    'fetch its bundle now',
    'assay federation refresh partner.example',
    async () => (await shown()).federationRefresh,
  );
  addAdminFlags(refresh);
  const remove = program.leaf(
    federation,
    'delete <trust-domain>',
    'fetch no more, and trust the trust domain no longer',
    'assay federation delete partner.example',
    async () => (await shown()).federationDelete,
  );
  addAdminFlags(remove);
}
