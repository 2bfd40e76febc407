// SPDX-License-Identifier: Apache-2.0
/**
 * What a configuration of spiffe-helper means here: its keys, defaults and checks (cmd/spiffe-helper/config/config.go). Where we
 * differ is said in docs/helper.md and docs/decisions/0015-the-helper.md.
 */
import { resolve } from 'node:path';
import type { MapTree } from '../config/yaml-tree.ts';
import { quote } from '../lib/failure.ts';
import { splitArgs } from './hcl-args.ts';
import { goMode, readHclTokens } from './hcl-values.ts';
import { Problems, SectionReader } from './section-reader.ts';
import type { HealthSettings, HelperSettings, Modes, Output, Supervise, X509Output } from './settings.ts';
import { fileName, signalName } from './values.ts';
import { pathOf } from './yaml-config.ts';
import { DEFAULT_MODES } from './yaml-output.ts';

const DEFAULT_ADDRESS = '/tmp/spire-agent/public/api.sock';
const DEFAULT_PORT = 8081;
const STOP_TIMEOUT_MS = 30_000;

export interface HclPlace {
  readonly file: string;
  readonly env: ReadonlyMap<string, string>;
  /** What relative paths begin at. */
  readonly workingFolder: string;
}

export function readHclSettings(tree: MapTree, place: HclPlace): HelperSettings {
  const warnings: string[] = [];
  const problems = new Problems(place.file);
  const reader = new SectionReader(tree, '', problems);
  const once = !reader.flag('daemon_mode', true);
  const socket = addressOf(reader, place.env);
  const x509 = readX509(reader);
  const tokens = readHclTokens(reader);
  const jwtBundle = fileName(reader, 'jwt_bundle_file_name');
  const common = {
    folder: resolve(place.workingFolder, reader.text('cert_dir') ?? '.'),
    pick: { spiffeId: undefined, hint: reader.text('hint') },
    owner: { uid: undefined, gid: undefined },
    modes: readModes(reader, warnings),
  };
  const signal = signalName(reader, 'renew_signal');
  const pidFile = reader.text('pid_file_name');
  const pid =
    pidFile === undefined || signal === undefined
      ? undefined
      : { pidFile: resolve(place.workingFolder, pidFile), signal };
  if (pidFile !== undefined && reader.text('renew_signal') === undefined)
    reader.refuse('pid_file_name', 'needs renew_signal', 'say which signal: renew_signal = "SIGHUP"');
  if (pidFile !== undefined && once)
    reader.refuse('pid_file_name', 'is of no use with daemon_mode = false', 'remove one of them');
  const none = { signal: undefined, run: undefined };
  const outputs: Output[] = [];
  // As there, changes of certificates alone are told.
  if (x509 !== undefined)
    outputs.push({
      name: 'svid',
      ...common,
      x509,
      tokens: [],
      jwtBundle: undefined,
      spiffeBundle: undefined,
      actions: { ...none, signal: pid },
    });
  if (tokens.length > 0 || jwtBundle !== undefined) {
    const bundle = jwtBundle === undefined ? undefined : { file: jwtBundle, trustDomain: undefined };
    outputs.push({
      name: 'jwt',
      ...common,
      x509: undefined,
      tokens,
      jwtBundle: bundle,
      spiffeBundle: undefined,
      actions: none,
    });
  }
  const supervise = readCommand(reader, signal, once, warnings);
  const health = readHealth(reader);
  reader.finish();
  if (outputs.length === 0 && problems.all.length === 0)
    problems.add(
      'svid_file_name',
      1,
      'nothing is to be written',
      'give svid_file_name, svid_key_file_name and svid_bundle_file_name, or jwt_svids, or jwt_bundle_file_name',
    );
  problems.throwIfAny();
  const [first, ...more] = outputs as [Output, ...Output[]];
  return { socket, once, outputs: [first, ...more], supervise, health: once ? undefined : health, warnings };
}

/** There, a path; a URI is taken as well, as which SPIFFE_ENDPOINT_SOCKET is defined. */
function addressOf(reader: SectionReader, env: ReadonlyMap<string, string>): string {
  const variable = env.get('SPIFFE_ENDPOINT_SOCKET');
  const address = reader.text('agent_address') ?? (variable || undefined) ?? DEFAULT_ADDRESS;
  return /^(?:unix|tcp):/i.test(address) ? address : `unix://${encodeURI(address)}`;
}

function readX509(reader: SectionReader): X509Output | undefined {
  const cert = fileName(reader, 'svid_file_name');
  const key = fileName(reader, 'svid_key_file_name');
  const bundle = fileName(reader, 'svid_bundle_file_name');
  const options = {
    intermediatesInBundle: reader.flag('add_intermediates_to_bundle', false),
    federatedBundles: reader.flag('include_federated_domains', false),
    omitExpired: reader.flag('omit_expired', false),
  };
  if (cert === undefined && key === undefined && bundle === undefined) return undefined;
  for (const name of ['svid_file_name', 'svid_key_file_name', 'svid_bundle_file_name']) {
    if (reader.text(name) === undefined) reader.refuse(name, 'is required when one of the three svid_ names is given');
  }
  const not = undefined;
  const files = { cert, key, bundle, combined: not, certDer: not, keyDer: not, pkcs12: not, pkcs12Bundle: not };
  return { files, passwordFile: undefined, ...options };
}

function readModes(reader: SectionReader, warnings: string[]): Modes {
  return {
    cert: goMode(reader, 'cert_file_mode', DEFAULT_MODES.cert, warnings),
    key: goMode(reader, 'key_file_mode', DEFAULT_MODES.key, warnings),
    jwt: goMode(reader, 'jwt_svid_file_mode', DEFAULT_MODES.jwt, warnings),
    jwtBundle: goMode(reader, 'jwt_bundle_file_mode', DEFAULT_MODES.jwtBundle, warnings),
  };
}

function readCommand(
  reader: SectionReader,
  signal: NodeJS.Signals | undefined,
  once: boolean,
  warnings: string[],
): Supervise | undefined {
  const program = reader.text('cmd');
  const args = splitArgs(reader.lines('cmd_args'));
  if ('refusal' in args) {
    reader.refuse('cmd_args', args.refusal, 'quote it whole, "like this", and write "" for a quote in it');
    return undefined;
  }
  if (program === undefined) return undefined;
  if (once) {
    warnings.push(`cmd ${quote(program)} is not run: daemon_mode is false`);
    return undefined;
  }
  return {
    command: [program, ...args],
    signal,
    restart: 'on-change',
    stopTimeoutMs: STOP_TIMEOUT_MS,
    env: new Map(),
    outputs: new Set(['svid']),
  };
}

function readHealth(reader: SectionReader): HealthSettings | undefined {
  const section = reader.section('health_checks');
  if (section === undefined) return undefined;
  const enabled = section.flag('listener_enabled', false);
  const health: HealthSettings = {
    // There, all addresses: the kubelet asks from outside of the pod.
    address: undefined,
    port: section.number('bind_port', 0, 65_535) || DEFAULT_PORT,
    socket: undefined,
    livePath: pathOf(section, 'liveness_path', '/live'),
    readyPath: pathOf(section, 'readiness_path', '/ready'),
  };
  section.finish();
  return enabled ? health : undefined;
}
