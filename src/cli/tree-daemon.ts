// SPDX-License-Identifier: Apache-2.0
/** `assay run`, `exec`, `fetch`, `watch`, `health`, `doctor`, `clock` and `config`: their commands and flags. */
import { addAdminFlags, addConfigFlags, addWorkloadFlags, once } from './flags.ts';
import { collect, type Program } from './program.ts';

export function addRunCommand(program: Program): void {
  const run = program.leaf(
    program.root,
    'run',
    'run the daemon',
    'assay run --trust-domain example.org',
    async () => (await import('./run.ts')).run,
  );
  addConfigFlags(run);
}

export function addWorkloadCommands(program: Program): void {
  const fetch = program.group(program.root, 'fetch', 'fetch an identity for this very process');
  const x509 = program.leaf(
    fetch,
    'x509',
    'fetch X.509-SVIDs and bundles, and check them',
    'assay fetch x509 --write /tmp/svid',
    async () => (await import('./fetch-x509.ts')).fetchX509,
  );
  x509
    .option('--write <dir>', 'leave svid.N.pem, svid.N.key, bundle.N.pem and federated_bundle.N.M.pem there', once)
    .option('--timeout <duration>', 'how long to wait for an answer; 10s unless told', once);
  addWorkloadFlags(x509);
  const jwt = program.leaf(
    fetch,
    'jwt',
    'fetch JWT-SVIDs, and check them',
    'assay fetch jwt --audience https://api.example.org',
    async () => (await import('./fetch-jwt.ts')).fetchJwt,
  );
  jwt
    .option('--audience <name>', 'whom the token is for; may be given again', collect)
    .option('--spiffe-id <id>', 'of one identity alone', once)
    .option('--raw', 'print the token of the default identity and nothing else')
    .option('--timeout <duration>', 'how long to wait for an answer; 10s unless told', once);
  addWorkloadFlags(jwt);
  const wit = program.leaf(
    fetch,
    'wit',
    'fetch WIT-SVIDs, and check them (experimental.wit)',
    'assay fetch wit --write /tmp/wit',
    async () => (await import('./fetch-wit.ts')).fetchWit,
  );
  wit
    .option('--spiffe-id <id>', 'of one identity alone', once)
    .option('--write <dir>', 'leave svid.N.wit and svid.N.jwk, its private key, there', once)
    .option('--timeout <duration>', 'how long to wait for an answer; 10s unless told', once);
  addWorkloadFlags(wit);
  const validate = program.group(program.root, 'validate', 'check what somebody presented');
  const token = program.leaf(
    validate,
    'jwt',
    'check a JWT-SVID with the bundles that this very process may verify with',
    'assay validate jwt --audience https://api.example.org < token',
    async () => (await import('./validate-jwt.ts')).validateJwt,
  );
  token
    .option('--audience <name>', 'the name by which the token has to mean this service', once)
    .option('--token <token>', 'the token; from standard input unless given, where others cannot read it', once)
    .option('--timeout <duration>', 'how long to wait for an answer; 10s unless told', once);
  addWorkloadFlags(token);
  const watch = program.leaf(
    program.root,
    'watch',
    'follow the identities of this very process, one line for each update, until interrupted',
    'assay watch',
    async () => (await import('./watch.ts')).watch,
  );
  addWorkloadFlags(watch);
}

const EXEC_RULES = `The program takes the place of this command, under the same pid, and the daemon knows it as launched under the ID: an
entry with the selector launcher:spiffe_id:ID gives it the identity. Root and the daemon's own uid may launch whatever has
an entry; others what a role launcher in the configuration allows them.
Variables by which code is loaded (LD_*, NODE_*, PYTHON*, PERL*, RUBY*, BASH_ENV and their like) are dropped, and open
files are closed, unless they are kept by name or number. SPIFFE_ENDPOINT_SOCKET is set where it is not.
Exit status: that of the program; 127 if it is not found, 126 if it cannot be executed, 1 if nothing was launched.`;

export function addExecCommand(program: Program): void {
  const exec = program.leaf(
    program.root,
    'exec <cmd> [arg...]',
    'start a program under an identity',
    { rules: EXEC_RULES, example: 'assay exec --spiffe-id spiffe://example.org/web -- node server.js' },
    async () => (await import('./exec.ts')).exec,
  );
  exec
    .passThroughOptions()
    .option('--spiffe-id <id>', 'the identity (required)', once)
    .option('--keep-env <name>', 'keep this variable, whatever it is (repeat)', collect)
    .option('--keep-fd <n>', 'leave this descriptor open (repeat)', collect);
  addWorkloadFlags(exec);
}

const FEDERATION_RULES = `Fetches the discovery document and the key set below jwt.issuer from here, with a fresh connection, and holds them against
what AWS, Google Cloud, Microsoft Entra, Kubernetes API servers and OpenBao or Vault want. What no verifier puts up with is a
failure; what some refuse is a warning that names them, and a failure where --verifier names one of them.
Whether the name leads here from the internet as well cannot be seen from here.`;

export function addCareCommands(program: Program): void {
  const health = program.leaf(program.root, 'health', 'tell whether the daemon is well', 'assay health', async () => {
    return (await import('./health.ts')).health;
  });
  addAdminFlags(health);
  const doctor = program.leaf(
    program.root,
    'doctor',
    'look for whatever weakens the daemon or keeps it from its work',
    'assay doctor',
    async () => (await import('./doctor.ts')).doctor,
  );
  addConfigFlags(doctor);
  const federation = program.leaf(
    doctor.enablePositionalOptions(),
    'federation',
    'look at our discovery document and keys as other verifiers do, and at the bundles of others',
    { rules: FEDERATION_RULES, example: 'assay doctor federation --verifier aws --verifier azure' },
    async () => (await import('./doctor-federation.ts')).doctorFederation,
  );
  federation
    .option(
      '--verifier <name>',
      'what this one refuses is a failure: aws, gcp, azure, kubernetes, vault (repeat)',
      collect,
    )
    .option('--ca-file <file>', 'authorities that verifiers go by, in PEM; those of this machine unless told', once);
  addAdminFlags(federation);
  const explain = program.leaf(
    program.root,
    'explain',
    'tell why a process gets what it gets, or who gets an identity',
    'assay explain --pid 4242',
    async () => (await import('./explain.ts')).explain,
  );
  explain
    .option('--pid <pid>', 'a process, by its number where the daemon runs', once)
    .option('--spiffe-id <id>', 'an identity', once);
  addAdminFlags(explain);
  const clock = program.group(program.root, 'clock', 'the wall clock that the daemon goes by');
  const accept = program.leaf(
    clock,
    'accept',
    'say that the clock is right, after it went back and issuing stopped',
    'assay clock accept',
    async () => (await import('./clock-accept.ts')).clockAccept,
  );
  addAdminFlags(accept);
  const config = program.group(program.root, 'config', 'the configuration');
  const check = program.leaf(
    config,
    'check',
    'show every mistake in the configuration',
    'assay config check --config /etc/assay/assay.yaml',
    async () => (await import('./config-check.ts')).configCheck,
  );
  addConfigFlags(check);
  const show = program.leaf(
    config,
    'show',
    'show what is in force, and where each value comes from',
    'assay config show --config /etc/assay/assay.yaml',
    async () => (await import('./config-show.ts')).configShow,
  );
  addConfigFlags(show);
}
