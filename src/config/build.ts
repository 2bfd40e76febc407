// SPDX-License-Identifier: Apache-2.0
/** Reads every setting once and makes the typed value. What settings say about each other is in `cross-checks.ts`. */
import type { AuthorityKeyType, CaKeyType } from '../authority/key-manager.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import { readDocker } from './attestors/docker.ts';
import { readK8s } from './attestors/k8s.ts';
import { readLauncher } from './attestors/launcher.ts';
import { readPlugins } from './attestors/plugins.ts';
import { readScript } from './attestors/script.ts';
import { readSystemd } from './attestors/systemd.ts';
import type { Config, UnixAttestorConfig, WorkloadKeyType } from './config.ts';
import { readDetectors } from './detectors.ts';
import { readFederation } from './federation.ts';
import { pathFrom, readHttps, readIntrospection } from './https.ts';
import { readLifecycle } from './lifecycle.ts';
import { LEAST_SHORT_CA_TTL_MS, LEAST_SVID_TTL_MS, longestSvidTtlMs } from './lifetimes.ts';
import { readLimits } from './limits.ts';
import { readMetrics } from './metrics.ts';
import { defaultPaths, folderPath, socketPath } from './paths.ts';
import { FLAG_NAMES, Refusal, type Setting, type SettingsReader } from './reader.ts';
import { readRoles } from './roles.ts';
import { readRsaTokens } from './rsa-tokens.ts';
import { readSds } from './sds.ts';
import { duration, flag, oneOf, text } from './settings.ts';
import { readTasks } from './tasks.ts';
import type { MapTree } from './yaml-tree.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** SPIRE's default (doc/spire_server.md, default_jwt_svid_ttl). */
const JWT_TTL = 300_000;
const JWT_KEY_TYPES = ['ec-p256', 'ec-p384', 'ec-p521', 'rsa-2048', 'rsa-4096'] as const;
const KEY_TYPES = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-4096'] as const satisfies readonly (CaKeyType &
  WorkloadKeyType)[];

const KEY_MANAGERS_TO_COME = new Map([
  ['pkcs11', 'is reserved for a key manager that this version does not have'],
  ['kms', 'is reserved for a key manager that this version does not have'],
]);

/** `folder` is where relative paths start. Paths may be missing here, for want of a default; `loadConfig` has refused by then. */
export function buildConfig(
  reader: SettingsReader,
  uid: number,
  env: ReadonlyMap<string, string>,
  folder: string,
): Config {
  const paths = defaultPaths(uid, env);
  const trustDomain = reader.read('trust_domain', text<TrustDomain | undefined>(undefined, TrustDomain.parseOwn));
  const config: Config = {
    trustDomain,
    dataDir: required(reader, 'data_dir', folderPath(paths.dataDir, paths.stateSource), 'XDG_STATE_HOME'),
    sockets: readSockets(reader, paths),
    ...readLifetimes(reader),
    attestors: {
      unix: readUnix(reader),
      docker: readDocker(reader),
      k8s: readK8s(reader),
      launcher: readLauncher(reader),
      script: readScript(reader),
      systemd: readSystemd(reader),
      plugins: readPlugins(reader, folder),
    },
    ...readWorkloadApi(reader),
    experimental: {
      wit: reader.read('experimental.wit', flag(false)),
      witInBundleEndpoint: reader.read('experimental.wit_in_bundle_endpoint', flag(false)),
    },
    https: readHttps(reader, folder),
    introspection: readIntrospection(reader),
    federation: readFederation(reader, trustDomain, folder),
    admin: { roles: readRoles(reader, trustDomain) },
    insecureSameUid: reader.read('insecure_same_uid', flag(false)),
    retention: { issuanceMs: reader.read('retention.issuance', duration(30 * DAY, { min: 0, max: 3650 * DAY })) },
    crl: {
      lifetimeMs: reader.read('crl.lifetime', duration(HOUR, { min: 60_000, max: 7 * DAY })),
      pushX509Svid: reader.read('crl.push_x509_svid', flag(false)),
    },
    // In the file alone: it names what the daemon writes (attack A13).
    audit: { checkpointFile: reader.readFromFile('audit.checkpoint_file', pathFrom(folder)) },
    lifecycle: readLifecycle(reader),
    detectors: readDetectors(reader),
    metrics: readMetrics(reader),
    tasks: readTasks(reader),
    limits: readLimits(reader),
    log: {
      level: reader.read('log.level', oneOf('info', ['error', 'warn', 'info', 'debug'] as const)),
      format: reader.read('log.format', oneOf('text', ['text', 'json'] as const)),
    },
  };
  return config;
}

function readWorkloadApi(reader: SettingsReader): Pick<Config, 'workloadApi' | 'sds'> {
  const x509 = reader.read('workload_api.x509', flag(true));
  const jwt = reader.read('workload_api.jwt', flag(true));
  const sds = readSds(reader, x509);
  const allowUnauthenticatedVerifiers = reader.read('workload_api.allow_unauthenticated_verifiers', flag(false));
  return { workloadApi: { x509, jwt, allowUnauthenticatedVerifiers }, sds };
}

function readJwt(reader: SettingsReader): Config['jwt'] {
  const keyType = reader.read('jwt.key_type', oneOf<AuthorityKeyType>('ec-p256', JWT_KEY_TYPES));
  return {
    keyType,
    pss: reader.read('jwt.pss', flag(false)),
    issuer: reader.read('jwt.issuer', text<string | undefined>(undefined, parseIssuer)),
    rsa: readRsaTokens(reader, keyType),
  };
}

function readLifetimes(reader: SettingsReader): Pick<Config, 'ca' | 'svid' | 'jwt'> {
  const ttlMs = reader.read('ca.ttl', duration(DAY, { min: LEAST_SHORT_CA_TTL_MS, max: 3650 * DAY }));
  // A default is not a wish: under a short CA it gives way, where a TTL that was asked for is refused (I5).
  const longest = longestSvidTtlMs(ttlMs);
  const x509: Setting<number> = duration(Math.min(HOUR, longest), { min: LEAST_SVID_TTL_MS, max: 3650 * DAY });
  const jwt: Setting<number> = duration(Math.min(JWT_TTL, longest), { min: LEAST_SVID_TTL_MS, max: 3650 * DAY });
  return {
    ca: {
      ttlMs,
      keyType: reader.read('ca.key_type', oneOf<CaKeyType>('ec-p256', KEY_TYPES)),
      keyManager: readKeyManager(reader),
      insecureShortCa: reader.read('ca.insecure_short_ca', flag(false)),
    },
    svid: {
      x509TtlMs: reader.read('svid.x509_ttl', longest < HOUR ? { ...x509, fallbackSource: 'a sixth of ca.ttl' } : x509),
      jwtTtlMs: reader.read('svid.jwt_ttl', longest < JWT_TTL ? { ...jwt, fallbackSource: 'a sixth of ca.ttl' } : jwt),
      keyType: reader.read('svid.key_type', oneOf<WorkloadKeyType>('ec-p256', KEY_TYPES)),
    },
    jwt: readJwt(reader),
  };
}

/** OpenID Connect Discovery 1.0 section 3: https, no query, no fragment; clouds compare it character by character. */
function parseIssuer(value: string): string | Refusal {
  const fits = /^https:\/\/[a-z0-9.-]{1,253}(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~-]+)*$/.test(value);
  return fits
    ? value
    : new Refusal('is no issuer URL', 'write https://HOST or https://HOST/PATH, without a slash at the end');
}

/** A name or a number. */
const GROUP: Setting<string | undefined> = {
  fallback: undefined,
  show: (name) => name ?? '',
  parse(raw) {
    const name = String(raw);
    const fits = typeof raw !== 'boolean' && /^(?:[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?|\d{1,10})$/.test(name);
    return fits ? name : new Refusal('is no group name', 'give the name or the number of a group');
  },
};

function readSockets(reader: SettingsReader, paths: ReturnType<typeof defaultPaths>): Config['sockets'] {
  const source = paths.runtimeSource;
  const workload = required(reader, 'sockets.workload', socketPath(paths.workload, source), 'XDG_RUNTIME_DIR');
  const admin = required(reader, 'sockets.admin', socketPath(paths.admin, source), 'XDG_RUNTIME_DIR');
  // Without a runtime folder it lies beside the admin socket's folder.
  const besideAdmin = admin.replace(/\/[^/]*\/[^/]*$/, '') || '';
  const taskDir = reader.read(
    'sockets.task_dir',
    paths.taskDir === undefined
      ? folderPath(`${besideAdmin}/assay-task`, 'beside sockets.admin')
      : folderPath(paths.taskDir, source),
  );
  const pluginDir = reader.read(
    'sockets.plugin_dir',
    folderPath(
      `${taskDir!.replace(/\/[^/]*$/, '')}/assay-plugin`,
      paths.taskDir === taskDir ? source : 'beside sockets.task_dir',
    ),
  );
  const adminGroup = reader.read('sockets.admin_group', GROUP);
  return { workload, admin, taskDir: taskDir!, pluginDir: pluginDir!, adminGroup };
}

/** A path that has no default without `variable`, and then must be given. */
function required(reader: SettingsReader, key: string, setting: Setting<string | undefined>, variable: string): string {
  const before = reader.problems.length;
  const path = reader.read(key, setting);
  if (path === undefined && reader.problems.length === before) {
    const flagName = FLAG_NAMES.get(key) ?? key;
    reader.refuse(
      key,
      undefined,
      `has no default here: the daemon does not run as root and ${variable} is not set`,
      `give ${flagName} PATH, or set ${variable}`,
    );
  }
  return path ?? '';
}

function readKeyManager(reader: SettingsReader): 'disk' | 'memory' {
  const setting = oneOf<'disk' | 'memory'>('disk', ['disk', 'memory'], KEY_MANAGERS_TO_COME);
  const key = 'ca.key_manager';
  for (const name of ['disk', 'memory']) reader.know(`${key}.${name}`);
  return reader.read(key, {
    ...setting,
    parseSection(section: MapTree) {
      const [name, ...more] = section.members.keys();
      if (name === undefined || more.length > 0)
        return new Refusal('must name exactly one key manager', 'write { disk: {} } or { memory: {} }');
      const options = section.members.get(name);
      const empty =
        options?.kind === 'map'
          ? options.members.size === 0
          : options?.kind === 'scalar' && options.value === undefined;
      const chosen = setting.parse(name, { label: key, textOnly: false });
      if (chosen instanceof Refusal) return new Refusal(`${name} ${chosen.reason}`, chosen.hint);
      return empty ? chosen : new Refusal(`${name} takes no settings`, `write { ${name}: {} }`);
    },
  });
}

/** `unix` alone runs when the block is absent; when it is there, what it names. */
function readUnix(reader: SettingsReader): UnixAttestorConfig | undefined {
  const block = reader.tree('attestors');
  const unix: UnixAttestorConfig = {
    path: reader.read('attestors.unix.path', flag(true)),
    sha256: reader.read('attestors.unix.sha256', flag(true)),
    pathInContainers: reader.read('attestors.unix.path_in_containers', flag(false)),
  };
  if (block === undefined || block.kind !== 'map' || block.members.has('unix')) return unix;
  return undefined;
}
