// SPDX-License-Identifier: Apache-2.0
/** The one typed configuration value. `parse.ts` builds it from file, environment and flags. */
import type { AuthorityKeyType, CaKeyType } from '../authority/key-manager.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { DockerAttestorConfig } from './attestors/docker.ts';
import type { K8sAttestorConfig } from './attestors/k8s.ts';
import type { LauncherAttestorConfig } from './attestors/launcher.ts';
import type { PluginConfig } from './attestors/plugins.ts';
import type { ScriptAttestorConfig } from './attestors/script.ts';
import type { SystemdAttestorConfig } from './attestors/systemd.ts';
import type { DetectorsConfig } from './detectors.ts';
import type { FederationConfig } from './federation.ts';
import type { HttpsConfig, ListenAddress } from './https.ts';
import type { LifecycleConfig } from './lifecycle.ts';
import type { SdsConfig } from './sds.ts';
import type { TasksConfig } from './tasks.ts';

export type WorkloadKeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'rsa-4096';

export interface UnixAttestorConfig {
  readonly path: boolean;
  readonly sha256: boolean;
  readonly pathInContainers: boolean;
}

export interface RegistrarRole {
  readonly role: 'registrar';
  readonly uid: number;
  /** A SPIFFE ID prefix, cut at a segment boundary: `spiffe://td/team-a/`. */
  readonly spiffeIdPrefix: string;
}

/** Who may start programs under which SPIFFE IDs, and what those may do. */
export interface LauncherRole {
  readonly role: 'launcher';
  readonly uid: number;
  readonly spiffeIdPrefix: string;
  readonly allowExec: boolean;
  readonly allowUidChange: boolean;
  readonly children: boolean;
  /** Undefined: any. */
  readonly programs: readonly string[] | undefined;
}

export type RoleConfig = RegistrarRole | LauncherRole;

/** Every ceiling (I9). `docs/limits.md` lists them with their source. */
export interface Limits {
  readonly connectionsPerUid: number;
  readonly connectionsPerCgroup: number;
  readonly connections: number;
  /** Of `connections`, kept for root and the daemon's own uid. */
  readonly connectionsReserved: number;
  readonly streamsPerConnection: number;
  readonly streamsPerUid: number;
  readonly newStreamsPerSecond: number;
  readonly streams: number;
  readonly launchesPerUid: number;
  readonly launches: number;
  readonly tasksPerUid: number;
  readonly tasks: number;
  readonly attestationsAtOnce: number;
  readonly attestationTimeoutMs: number;
  readonly requestBytes: number;
  readonly sdsRequestBytes: number;
  readonly headerBytes: number;
  readonly undrainedMs: number;
  readonly digestFileBytes: number;
  readonly selectorsPerEntry: number;
  readonly dnsNamesPerEntry: number;
  readonly federatesWithPerEntry: number;
  readonly entries: number;
  readonly identities: number;
  readonly grantsPerCaller: number;
  readonly foreignBundles: number;
  readonly certificatesPerBundle: number;
  readonly httpsConnections: number;
  readonly httpsConnectionsPerAddress: number;
}

export interface Config {
  readonly trustDomain: TrustDomain | undefined;
  readonly dataDir: string;
  readonly sockets: {
    readonly workload: string;
    readonly admin: string;
    readonly taskDir: string;
    /** Where plugins that the daemon starts make their sockets. */
    readonly pluginDir: string;
    /** Group name or gid that owns the admin folder; undefined: the daemon's. */
    readonly adminGroup: string | undefined;
  };
  readonly ca: {
    readonly ttlMs: number;
    readonly keyType: CaKeyType;
    readonly keyManager: 'disk' | 'memory';
    readonly insecureShortCa: boolean;
  };
  readonly svid: { readonly x509TtlMs: number; readonly jwtTtlMs: number; readonly keyType: WorkloadKeyType };
  readonly jwt: {
    readonly keyType: AuthorityKeyType;
    /** PS256 in place of RS256 where the key is an RSA key. */
    readonly pss: boolean;
    /** The `iss` of tokens. */
    readonly issuer: string | undefined;
    /** A second authority, for audiences whose verifiers take only RSA. */
    readonly rsa: { readonly keyType: 'rsa-2048' | 'rsa-4096'; readonly audiences: readonly string[] } | undefined;
  };
  readonly attestors: {
    readonly unix: UnixAttestorConfig | undefined;
    readonly docker: DockerAttestorConfig | undefined;
    readonly k8s: K8sAttestorConfig | undefined;
    readonly launcher: LauncherAttestorConfig | undefined;
    readonly script: ScriptAttestorConfig | undefined;
    readonly systemd: SystemdAttestorConfig | undefined;
    readonly plugins: readonly PluginConfig[];
  };
  readonly workloadApi: {
    readonly x509: boolean;
    readonly jwt: boolean;
    readonly allowUnauthenticatedVerifiers: boolean;
  };
  /** What follows standards that may still change. */
  readonly experimental: {
    /** WIT-SVIDs. */
    readonly wit: boolean;
    /** Their keys also in the bundle document: older peers refuse a whole bundle for a `use` that they do not know (CLI-15). */
    readonly witInBundleEndpoint: boolean;
  };
  /** Undefined: Envoys are not served. */
  readonly sds: SdsConfig | undefined;
  /** Undefined: nothing is served beyond this host. */
  readonly https: HttpsConfig | undefined;
  /** Undefined: nobody is answered about tokens. */
  readonly introspection: { readonly listen: ListenAddress } | undefined;
  readonly federation: FederationConfig;
  readonly admin: { readonly roles: readonly RoleConfig[] };
  readonly insecureSameUid: boolean;
  readonly crl: {
    /** From one revocation list to its next update at the latest. */
    readonly lifetimeMs: number;
    /** Streams of X509-SVIDs are told of another list at once. */
    readonly pushX509Svid: boolean;
  };
  readonly retention: { readonly issuanceMs: number };
  readonly audit: {
    /** Absolute; where checkpoints of the log are written besides the data folder. */
    readonly checkpointFile: string | undefined;
  };
  readonly lifecycle: LifecycleConfig;
  readonly detectors: DetectorsConfig;
  /** Undefined: nothing is measured for anybody. */
  readonly tasks: TasksConfig;
  readonly metrics: { readonly listen: ListenAddress } | undefined;
  readonly limits: Limits;
  readonly log: { readonly level: 'error' | 'warn' | 'info' | 'debug'; readonly format: 'text' | 'json' };
}
