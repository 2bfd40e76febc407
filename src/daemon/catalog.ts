// SPDX-License-Identifier: Apache-2.0
/**
 * The one list of implementations: whatever the configuration can name is made here, and nothing registers itself. What
 * few configurations name is loaded only for them.
 */
import type { EngineOptions } from '../../attestors/docker/engine.ts';
import type { ContainerRuntime } from '../../attestors/k8s/runtime.ts';
import { ON_DEMAND_KINDS, type OnDemandKind } from '../../attestors/k8s/selectors.ts';
import { launcherAttestor } from '../../attestors/launcher/launcher-attestor.ts';
import { scriptAttestor } from '../../attestors/script/script-attestor.ts';
import { accountNames } from '../../attestors/unix/account-names.ts';
import { unixAttestor } from '../../attestors/unix/unix-attestor.ts';
import type { Attestor } from '../attestation/plugin.ts';
import type { KeyManager } from '../authority/key-manager.ts';
import { openDiskKeyManager } from '../authority/keys/disk.ts';
import { memoryKeyManager } from '../authority/keys/memory.ts';
import { machineAccounts } from '../config/accounts.ts';
import type { DockerAttestorConfig } from '../config/attestors/docker.ts';
import type { K8sAttestorConfig } from '../config/attestors/k8s.ts';
import type { PluginConfig } from '../config/attestors/plugins.ts';
import type { Config } from '../config/config.ts';
import { readTrustedFile } from '../config/trusted-file.ts';
import { distrust } from '../config/trusted-path.ts';
import type { Clock } from '../lib/clock.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import type { LaunchDirectory } from '../peer/launches.ts';
import { connectManager, requireSystemd } from '../peer/manager-socket.ts';
import { connectUpstream } from '../peer/upstream-socket.ts';
import type { DataFolderTools } from '../store/sqlite/data-folder-tools.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';

export type { Accepted, DataFolderTools, Rollback, Verified } from '../store/sqlite/data-folder-tools.ts';

import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Selector kinds that cost much, may be secrets, or have to be waited for, and are looked for only while an entry names one. */
export const ON_DEMAND = [
  'unix:sha256',
  'docker:env',
  'script:path',
  'script:sha256',
  ...ON_DEMAND_KINDS.map((kind): `k8s:${OnDemandKind}` => `k8s:${kind}`),
] as const;

export interface AttestorTools {
  /** Does an entry name a selector of this kind? */
  readonly isNamed: (kind: (typeof ON_DEMAND)[number]) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  /** The daemon's. */
  readonly uid: number;
  /** `sockets.plugin_dir`. */
  readonly pluginDir: string;
  /** That a look may take. */
  readonly answerMs: number;
  readonly launches: LaunchDirectory;
}

/** Rejects when one of them cannot be made; those made before are closed by then. */
export async function makeAttestors(config: Config['attestors'], tools: AttestorTools): Promise<readonly Attestor[]> {
  const attestors: Attestor[] = [];
  try {
    if (config.unix !== undefined) {
      const wantSha256 = (): boolean => tools.isNamed('unix:sha256');
      attestors.push(unixAttestor({ ...config.unix, users: accountNames(), wantSha256 }));
    }
    if (config.docker !== undefined) {
      const { dockerAttestor } = await import('../../attestors/docker/docker-attestor.ts');
      const wantEnv = (): boolean => tools.isNamed('docker:env');
      attestors.push(dockerAttestor({ engines: containerEngines(config.docker, tools), wantEnv }));
    }
    if (config.k8s !== undefined) attestors.push(await k8sAttestor(config.k8s, tools));
    if (config.launcher !== undefined) attestors.push(launcherAttestor(tools.launches));
    if (config.script !== undefined) {
      const isWanted = (kind: 'path' | 'sha256'): boolean => tools.isNamed(`script:${kind}`);
      attestors.push(scriptAttestor({ ...config.script, isWanted }));
    }
    if (config.systemd !== undefined) {
      requireSystemd();
      const { systemdAttestor } = await import('../../attestors/systemd/systemd-attestor.ts');
      const connect = (signal: AbortSignal) => connectManager(tools.uid, signal);
      attestors.push(systemdAttestor({ connect, distrust: distrustOfRoot, ...tools }));
    }
    for (const plugin of config.plugins) attestors.push(await makePlugin(plugin, tools));
    return attestors;
  } catch (error) {
    await Promise.allSettled(attestors.map((attestor) => attestor.close?.()));
    throw error;
  }
}

function containerEngines(config: DockerAttestorConfig, { clock, log }: AttestorTools): readonly EngineOptions[] {
  const engine = (name: string, uid: number, key: string, path: string | undefined): EngineOptions[] => {
    if (path === undefined) return [];
    const field = `attestors.docker.${key}`;
    const connect = (signal: AbortSignal) => connectUpstream({ path, field, uid }, signal);
    return [{ name, uid, connect, apiVersion: config.apiVersion, clock, log }];
  };
  const { socket, podmanSocket, insecureRootless: rootless } = config;
  return [
    ...engine('docker', 0, 'socket', socket),
    ...engine('podman', 0, 'podman_socket', podmanSocket),
    ...engine('rootless engine', rootless?.uid ?? 0, 'insecure_rootless_socket', rootless?.socket),
  ];
}

/** Who besides root could change the file. */
function distrustOfRoot(path: string): string | undefined {
  const found = distrust(path, new Set([0]));
  return found === undefined ? undefined : `${quote(found.path)} ${found.reason}`;
}

async function makePlugin(plugin: PluginConfig, tools: AttestorTools): Promise<Attestor> {
  const { uid } = tools;
  switch (plugin.kind) {
    case 'module': {
      const { moduleAttestor } = await import('../plugins/module-attestor.ts');
      return moduleAttestor(plugin, tools);
    }
    case 'socket': {
      const { externalAttestor } = await import('../plugins/external-attestor.ts');
      const { socketSource } = await import('../plugins/socket-plugin.ts');
      return externalAttestor(plugin, socketSource(plugin, uid), tools);
    }
    case 'command': {
      const { externalAttestor } = await import('../plugins/external-attestor.ts');
      const { commandSource } = await import('../plugins/command-plugin.ts');
      const command = { ...plugin, owner: await ownerOf(plugin, uid), parent: tools.pluginDir };
      return externalAttestor(plugin, commandSource(command, tools), tools);
    }
  }
}

async function ownerOf(
  { name, uid = -1, gid }: PluginConfig & { readonly kind: 'command' },
  ownUid: number,
): Promise<{ readonly uid: number; readonly gid: number }> {
  if (uid < 0 || uid === ownUid) return { uid: ownUid, gid: process.getegid!() };
  const group = gid ?? (await machineAccounts.user(uid))?.gid;
  if (group !== undefined) return { uid, gid: group };
  throw new Failure('failed-precondition', 'PLUGIN_INVALID', `attestors.${name}.uid: uid ${uid} has no account here`, {
    field: `attestors.${name}.uid`,
    value: String(uid),
    hint: 'give gid, too',
  });
}

async function k8sAttestor(config: K8sAttestorConfig, tools: AttestorTools): Promise<Attestor> {
  const { openK8sAttestor } = await import('../../attestors/k8s/open.ts');
  const { clock, log, uid, answerMs: attestationTimeoutMs, isNamed } = tools;
  const { address, caPath, tokenPath, certificatePath, privateKeyPath, namespaces, ...rest } = config;
  // The kubelet listens on an address that its certificate need not name; it proves to be the node's.
  const serverName = config.source === 'kubelet' ? config.nodeName : address.host;
  const credentials = { tokenPath, certificatePath, privateKeyPath };
  return openK8sAttestor({
    ...rest,
    access: { ...address, serverName, caPath, ...credentials },
    namespaceAccess: namespaces && { ...namespaces, ...credentials, secure: true, serverName: namespaces.host },
    runtime: await k8sRuntime(config, tools),
    isNamed: (kind) => isNamed(`k8s:${kind}`),
    readFile: (path, field, mostBytes) => readTrustedFile(path, uid, `attestors.k8s.${field}`, mostBytes),
    warn: (fields, message) => log.warn({ attestor: 'k8s', ...fields }, message),
    attestationTimeoutMs,
    clock,
  });
}

async function k8sRuntime({ runtime }: K8sAttestorConfig, tools: AttestorTools): Promise<ContainerRuntime | undefined> {
  if (runtime === undefined) return undefined;
  const { kind, socket } = runtime;
  const rules = { path: socket, field: `attestors.k8s.runtime.${kind}`, uid: 0 };
  const { clock, answerMs } = tools;
  const upstream = {
    connect: (signal: AbortSignal) => connectUpstream(rules, signal),
    clock,
    timeoutMs: answerMs / 2,
  };
  if (kind === 'docker') return (await import('../../attestors/k8s/docker-runtime.ts')).dockerRuntime(upstream);
  return (await import('../../attestors/k8s/cri-runtime.ts')).criRuntime(upstream);
}

export async function makeKeyManager(config: Config, random: Random): Promise<KeyManager> {
  switch (config.ca.keyManager) {
    case 'disk':
      return openDiskKeyManager({ dataDir: config.dataDir, random });
    case 'memory':
      return memoryKeyManager({ random });
  }
}

export function openStore(config: Config, tools: { clock: Clock; log: Logger }): Promise<Store> {
  return openSqliteStore({ dataDir: config.dataDir, ...tools });
}

/** What works on a data folder by itself, for commands that need no daemon. */
export async function dataFolderTools(): Promise<DataFolderTools> {
  const { dataFolderTools: tools } = await import('../store/sqlite/data-folder-tools.ts');
  return tools;
}
