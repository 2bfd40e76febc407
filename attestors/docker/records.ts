// SPDX-License-Identifier: Apache-2.0
/**
 * What the engine says of a container and of an image, as far as it is used here: `GET /containers/{id}/json` and `GET
 * /images/{id}/json` of the Docker Engine API, which podman answers in the same form.
 */
import { AttestorError } from '../../src/attestation/plugin.ts';

export interface ContainerRecord {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
  /** Of its first process, in the engine's pid namespace; 0 when there is none. */
  readonly pid: number;
  /** `sha256:…` of what it was started from; undefined where the engine names no hash. */
  readonly image: string | undefined;
  /** What was asked for when it was started: often a tag. */
  readonly reference: string;
  readonly labels: ReadonlyMap<string, string>;
  /** `NAME=value`, the image's included. */
  readonly env: readonly string[];
}

export interface ImageRecord {
  readonly labels: ReadonlyMap<string, string>;
  readonly env: readonly string[];
  /** `sha256:…` of the manifests under which registries have it. */
  readonly digests: readonly string[];
}

/** Of labels, of variables, of digests. Beyond, something is wrong, and every look would pay for it. */
const MOST = 4_096;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

type Json = Readonly<Record<string, unknown>>;

export function parseContainer(body: Buffer, id: string): ContainerRecord {
  const top = asObject(parse(body), 'container');
  // guard: A10 test/attestors/docker/hostile-engine.test.ts — it was asked about this one
  if (top['Id'] !== id) throw malformed('Id', 'it answers for another container');
  const state = asObject(top['State'], 'State');
  const config = asObject(top['Config'], 'Config');
  const { Running: running, Pid: pid } = state;
  if (typeof running !== 'boolean') throw malformed('State.Running');
  if (!Number.isSafeInteger(pid) || (pid as number) < 0) throw malformed('State.Pid');
  return {
    id,
    name: asText(top['Name'] ?? '', 'Name').replace(/^\//, ''),
    running,
    pid: pid as number,
    image: imageHash(top['Image']),
    reference: asText(config['Image'] ?? '', 'Config.Image'),
    labels: asLabels(config['Labels'], 'Config.Labels'),
    env: asTexts(config['Env'], 'Config.Env'),
  };
}

export function parseImage(body: Buffer): ImageRecord {
  const top = asObject(parse(body), 'image');
  const config = asObject(top['Config'] ?? {}, 'Config');
  const digests = asTexts(top['RepoDigests'], 'RepoDigests').map((text) => text.slice(text.lastIndexOf('@') + 1));
  return {
    labels: asLabels(config['Labels'], 'Config.Labels'),
    env: asTexts(config['Env'], 'Config.Env'),
    digests: [...new Set(digests)].filter((digest) => DIGEST.test(digest)),
  };
}

/** The first versions of podman's API left the prefix away. */
function imageHash(image: unknown): string | undefined {
  const text = typeof image === 'string' && /^[0-9a-f]{64}$/.test(image) ? `sha256:${image}` : image;
  return typeof text === 'string' && DIGEST.test(text) ? text : undefined;
}

export function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // What could not be read may hold secrets, and JSON.parse quotes it.
    throw new AttestorError('it answers with what is no JSON');
  }
}

export function asObject(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(what);
  return value as Json;
}

function asText(value: unknown, what: string): string {
  if (typeof value !== 'string') throw malformed(what);
  return value;
}

/** `null` and nothing at all mean none. */
function asTexts(value: unknown, what: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformed(what);
  return bounded(value, what).map((text) => asText(text, what));
}

function asLabels(value: unknown, what: string): ReadonlyMap<string, string> {
  if (value === undefined || value === null) return new Map();
  const entries = bounded(Object.entries(asObject(value, what)), what);
  return new Map(entries.map(([key, text]) => [key, asText(text, what)]));
}

function bounded<T>(list: readonly T[], what: string): readonly T[] {
  // guard: I9 test/attestors/docker/hostile-engine.test.ts
  if (list.length > MOST) throw malformed(what, `it has more than ${MOST}`);
  return list;
}

function malformed(what: string, why = 'it is not of the form that the Docker Engine API has'): AttestorError {
  return new AttestorError(`its answer cannot be used: ${what}: ${why}`);
}
