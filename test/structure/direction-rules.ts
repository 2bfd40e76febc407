// SPDX-License-Identifier: Apache-2.0
/** Which room may not import what, and why. */

export interface Rule {
  readonly who: RegExp;
  readonly mayNot: RegExp;
  /** Files that the rule does not speak of. */
  readonly but?: RegExp;
  readonly reason: string;
}

const domain =
  'approvals|ballots|grants|evidence|merkle|policy|tasks|audit|detectors|metrics|revocation|introspection|identity|x509|jwt|registry|authority|bundle|ledger|rotation|store|issuance|attestation|peer|telemetry|config|lib';

export const rules: readonly Rule[] = [
  { who: /^src\/lib\//, mayNot: /^(src\/(?!lib\/)|attestors\/)/, reason: 'lib knows nothing of SPIFFE or of any room' },
  {
    who: /^src\/identity\//,
    mayNot: /^(src\/(?!identity\/|lib\/)|attestors\/)/,
    reason: 'the domain words stand on lib alone',
  },
  {
    who: /^src\/merkle\//,
    mayNot: /^(src\/(?!merkle\/|lib\/)|attestors\/|node:(?!crypto$))/,
    reason: 'a tree is hashes of text: what the text says is not its matter',
  },
  {
    who: /^src\/approvals\//,
    mayNot: /^(src\/(?!approvals\/|identity\/|lib\/)|attestors\/|node:(?!crypto$))/,
    reason:
      'what people signed is judged by its bytes and by what is handed in: an auditor runs the same code without a daemon',
  },
  {
    who: /^src\/evidence\//,
    mayNot:
      /^(src\/(?!evidence\/|approvals\/|merkle\/|identity\/|lib\/|store\/(?:events|tasks|grants)\.ts$|tasks\/request\.ts$|policy\/files\.ts$)|attestors\/|node:(?!crypto$))/,
    reason:
      'evidence is checked by whoever is handed it: of other rooms it has what is pure, the form of a leaf, a digest, a hash of policies',
  },
  {
    who: /^src\/ballots\//,
    mayNot: /^(src\/(?!ballots\/|approvals\/|store\/[^/]+\.ts$|telemetry\/|lib\/)|attestors\/|node:)/,
    reason: 'ballots count what people signed: they begin nothing and give nothing',
  },
  {
    who: /^src\/x509\//,
    mayNot: /^(src\/(?!x509\/|identity\/|lib\/|authority\/key-manager\.ts|config\/config\.ts)|attestors\/)/,
    reason: 'x509 turns values into DER and back, and decides nothing',
  },
  {
    who: /^src\/jwt\//,
    mayNot: /^(src\/(?!jwt\/|identity\/|lib\/)|attestors\/|node:(?!crypto$))/,
    reason: 'jwt turns values into tokens and back, and decides nothing',
  },
  {
    who: /^src\/rotation\/schedule\.ts$/,
    mayNot: /^(node:|src\/(?!lib\/))/,
    reason: 'when to rotate is arithmetic: no clock, no effects',
  },
  {
    who: /^src\/peer\//,
    mayNot: /^(src\/(?!peer\/|lib\/|telemetry\/|config\/)|attestors\/)/,
    reason: 'peer says who is calling, and knows nothing of identities',
  },
  {
    who: /^src\/telemetry\//,
    mayNot: /^(src\/(?!telemetry\/|lib\/|config\/)|attestors\/)/,
    reason: 'every room may log, so the logger may need none of them',
  },
  {
    who: /^src\/config\//,
    mayNot: /^(src\/(?!config\/|identity\/|lib\/|authority\/key-manager\.ts|federation\/relationship\.ts)|attestors\/)/,
    reason: 'configuration is read before any room exists',
  },
  {
    who: /^attestors\//,
    mayNot: /^(src\/(?!attestation\/(?:plugin|container-hints)\.ts$|identity\/)|bench\/|better-sqlite3|koffi|@grpc)/,
    but: /^attestors\/[^/]+\/(?:account-names|users)\.ts$/,
    reason:
      'an attestor needs the plugin contract, what it says of containers, and identity only, so that it could be moved to a package of its own',
  },
  {
    who: /^attestors\//,
    mayNot: /^node:(fs|child_process|net|worker_threads)/,
    but: /^attestors\/[^/]+\/(?:account-names|users)\.ts$/,
    reason: 'attestors open nothing of a process themselves; peer/ looks under a live pidfd (A4)',
  },
  {
    who: /^(src|attestors)\//,
    mayNot: /^attestors\//,
    but: /^(src\/daemon\/catalog\.ts|attestors\/)/,
    reason: 'only the catalog names attestors',
  },
  {
    who: /^src\//,
    mayNot: /^src\/(authority\/keys|store\/sqlite)\//,
    but: /^src\/(daemon\/catalog\.ts|authority\/keys\/|store\/sqlite\/)/,
    reason: 'only the catalog names implementations; everyone else knows their contract',
  },
  {
    who: new RegExp(`^src/(${domain})/`),
    mayNot: /^src\/(api|cli|daemon|client|main\.ts)/,
    reason: 'doors and commands depend on the rooms, never the other way',
  },
  {
    who: new RegExp(`^src/(${domain}|ledger)/`),
    mayNot: /^@grpc\//,
    reason: 'gRPC stays in the doors; a Failure becomes a status in api/status.ts',
  },
  {
    who: /^src\/(registry|authority|bundle|ledger|rotation|store|attestation)\//,
    mayNot: /^src\/issuance\//,
    reason: 'issuance walks the rooms; no room walks back',
  },
  {
    who: /^src\/https\//,
    mayNot: /^(src\/(?!https\/|x509\/|rotation\/|telemetry\/|config\/|lib\/)|attestors\/)/,
    reason: 'the HTTPS listener serves what it is handed, and knows no room that makes it',
  },
  {
    who: /^src\/detectors\//,
    mayNot:
      /^(src\/(?!detectors\/|store\/[^/]+\.ts$|attestation\/attested\.ts$|registry\/match\.ts$|peer\/(?:process-handle|background-looks)\.ts$|telemetry\/|lib\/)|attestors\/|node:)/,
    reason: 'detectors look on: they reach nothing that gives, takes or decides',
  },
  {
    who: /^src\/metrics\//,
    mayNot: /^(src\/(?!metrics\/|https\/routes\.ts$|store\/reports\.ts$|telemetry\/|lib\/)|attestors\/)/,
    reason: 'metrics are told what they tell; an identity has no way into a label',
  },
  {
    who: /^src\/audit\//,
    mayNot: /^(src\/(?!audit\/|merkle\/|store\/|telemetry\/|lib\/)|attestors\/)/,
    reason: 'whoever signs and checks the log knows nothing of those whose events are in it',
  },
  {
    who: /^src\/federation\//,
    mayNot: /^(src\/(?!federation\/|store\/|x509\/|telemetry\/|identity\/|lib\/)|attestors\/)/,
    reason: 'federation fetches and judges; where bundles lie and what a document is are handed to it',
  },
  {
    who: /^src\/discovery\//,
    mayNot: /^(src\/(?!discovery\/|jwt\/|lib\/|telemetry\/check\.ts$)|attestors\/)/,
    reason: 'discovery judges what we serve from outside: it must not share the code that serves it',
  },
  {
    who: /^src\/store\/[^/]+\.ts$/,
    mayNot: /^src\/(?!store\/|merkle\/|identity\/|lib\/)/,
    reason: 'the store contract is by aggregate, not by who uses it',
  },
  {
    who: /^src\/client\//,
    mayNot:
      /^(src\/(?!client\/|x509\/|jwt\/|identity\/|lib\/|bundle\/document)|attestors\/|better-sqlite3|koffi|pino|commander)/,
    reason: 'assay/client is a library for services: no room of the daemon, no native code',
  },
  {
    who: /^src\/helper\//,
    mayNot:
      /^(src\/(?!helper\/|client\/|x509\/|jwt\/|identity\/|lib\/|bundle\/document|telemetry\/|config\/(?:accounts|nearest|trusted-file|trusted-path|yaml-tree)\.ts$)|attestors\/|@grpc)/,
    reason: 'the helper is a client like any other: what it needs of a daemon it asks of the Workload API',
  },
  {
    who: /^src\/cli\//,
    mayNot: /^src\/(peer|registry|authority|ledger|issuance|store|attestation|rotation)\//,
    but: /^src\/cli\/(run|doctor|config|exec-descriptors)[^/]*\.ts$/,
    reason: 'commands talk to the daemon over its admin socket, and to nothing inside it',
  },
  {
    who: /^(src|attestors)\//,
    mayNot: /^(test|bench|tools|examples)\//,
    reason: 'what ships needs nothing that does not',
  },
  {
    who: /^examples\//,
    mayNot: /^src\/(?!client\/)/,
    but: /^examples\/attestors\//,
    reason: 'an example shows what a user can write',
  },
  {
    who: /^examples\/attestors\//,
    mayNot: /^src\/(?!attestation\/(?:plugin|contract)\.ts$)/,
    reason: 'an attestor of others has the plugin contract and no more',
  },
  {
    who: /^src\/plugins\//,
    mayNot:
      /^(src\/(?!plugins\/|attestation\/|peer\/|config\/|telemetry\/|identity\/|lib\/|api\/proto\.ts$)|attestors\/)/,
    reason: 'plugins are attestors from elsewhere; no room behind attestation concerns them',
  },
  {
    who: /^src\/policy\//,
    mayNot: /^(src\/(?!policy\/|identity\/|lib\/)|attestors\/)/,
    reason: 'policy decides by what it is told, and looks nowhere',
  },
  {
    who: /^src\/tasks\//,
    mayNot:
      /^(src\/(?!tasks\/|policy\/contract\.ts$|store\/[^/]+\.ts$|issuance\/task-rooms\.ts$|attestation\/attested\.ts$|registry\/(?:match|plain-text)\.ts$|jwt\/mint-check\.ts$|peer\/process-handle\.ts$|telemetry\/|identity\/|lib\/)|attestors\/|node:(?!crypto$))/,
    reason: 'tasks say who has what until when: sockets, policies and keys are given to them',
  },
  {
    who: /^src\/grants\//,
    mayNot:
      /^(src\/(?!grants\/|approvals\/|tasks\/(?:request|rooms)\.ts$|policy\/contract\.ts$|store\/[^/]+\.ts$|registry\/plain-text\.ts$|peer\/process-handle\.ts$|telemetry\/|identity\/|lib\/)|attestors\/|node:)/,
    reason: 'grants say what people signed beforehand: they begin no task and decide no policy',
  },
  {
    who: /^(src|attestors)\//,
    mayNot: /^@cedar-policy\//,
    but: /^src\/policy\/cedar\.ts$/,
    reason: 'what is parsed stays in its instance: they are made and dropped in one place',
  },
  {
    who: /^(src|attestors)\//,
    mayNot: /^koffi$/,
    but: /^src\/peer\/native\.ts$/,
    reason: 'native calls have one home, where they can all be read',
  },
  {
    who: /^(src|attestors)\//,
    mayNot: /^better-sqlite3$/,
    but: /^src\/store\/sqlite\//,
    reason: 'the database is behind the store contract',
  },
  {
    who: /^(src|attestors)\//,
    mayNot: /^node-forge$/,
    but: /^src\/x509\//,
    reason: 'ASN.1 is x509/ business; keys and signatures are node:crypto',
  },
  {
    who: /^(src|attestors)\//,
    mayNot: /^pino$/,
    but: /^src\/telemetry\//,
    reason: 'one place formats and scrubs a log line (I10)',
  },
  { who: /^(src|attestors)\//, mayNot: /^yaml$/, but: /^src\/(config|cli)\//, reason: 'outside text has one way in' },
  {
    who: /^(src|attestors)\//,
    mayNot: /^commander$/,
    but: /^src\/(main\.ts|cli\/)/,
    reason: 'flags end at the command',
  },
];
