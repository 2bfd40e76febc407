// SPDX-License-Identifier: Apache-2.0
/**
 * `attestors.docker`: which container engines are believed. In the file alone: whoever names a socket here chooses who
 * says what a process is (attack A13).
 */
import { socketPath } from '../paths.ts';
import { Refusal, type Setting, type SettingsReader } from '../reader.ts';
import { wholeNumber } from '../settings.ts';

export interface DockerAttestorConfig {
  readonly socket: string;
  readonly podmanSocket: string | undefined;
  /** `1.41`; negotiated when absent. */
  readonly apiVersion: string | undefined;
  readonly insecureRootless: { readonly socket: string; readonly uid: number } | undefined;
}

const KEY = 'attestors.docker';
const SOCKET = '/var/run/docker.sock';
/** 2^32 - 1 is "no uid" to the kernel (setresuid(2)). */
const HIGHEST_UID = 2 ** 32 - 2;

const API_VERSION: Setting<string | undefined> = {
  fallback: undefined,
  show: (version) => version ?? '',
  parse(raw) {
    if (typeof raw === 'string' && /^1\.\d{2,3}$/.test(raw)) return raw;
    return new Refusal('is no version of the Docker Engine API', 'write it in quotes, such as "1.41", or leave it out');
  },
};

const ROOTLESS_UID: Setting<number | undefined> = {
  fallback: undefined,
  show: (uid) => (uid === undefined ? '' : String(uid)),
  parse: wholeNumber(1, { min: 1, max: HIGHEST_UID }).parse,
};

/** Undefined where the block does not name it. */
export function readDocker(reader: SettingsReader): DockerAttestorConfig | undefined {
  const socket = reader.readFromFile(`${KEY}.socket`, socketPath(SOCKET, 'default')) ?? SOCKET;
  const podmanSocket = reader.readFromFile(`${KEY}.podman_socket`, optionalSocket);
  const apiVersion = reader.readFromFile(`${KEY}.api_version`, API_VERSION);
  const insecureRootless = readRootless(reader);
  const block = reader.tree('attestors');
  if (block?.kind !== 'map' || !block.members.has('docker')) return undefined;
  return { socket, podmanSocket, apiVersion, insecureRootless };
}

const optionalSocket: Setting<string | undefined> = {
  ...socketPath(undefined, 'default'),
  show: (path) => path ?? '',
};

function readRootless(reader: SettingsReader): DockerAttestorConfig['insecureRootless'] {
  const [socketKey, uidKey] = [`${KEY}.insecure_rootless_socket`, `${KEY}.insecure_rootless_uid`] as const;
  const socket = reader.readFromFile(socketKey, optionalSocket);
  const uid = reader.readFromFile(uidKey, ROOTLESS_UID);
  if (socket !== undefined && uid !== undefined) return { socket, uid };
  const [given, missing] = socket === undefined ? [uidKey, socketKey] : [socketKey, uidKey];
  const isGiven = socket !== undefined || uid !== undefined;
  // guard: A13 test/config/docker.test.ts — nobody's engine is believed without saying whose
  if (isGiven) reader.refuse(reader.label(given), undefined, `stands without ${missing}`, 'give both, or none');
  return undefined;
}
