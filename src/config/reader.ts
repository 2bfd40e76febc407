// SPDX-License-Identifier: Apache-2.0
/**
 * Reads settings one by one from four places, the strongest first: flag, environment, file, default. It remembers which
 * keys exist, where each value came from, and every mistake, so that one run shows them all.
 *
 * The environment name of a key derives from its path: `svid.x509_ttl` is `ASSAY_SVID_X509_TTL`. Only scalar settings
 * have one; lists, attestor modules and whole sections are set in the file alone (attack A13).
 */
import { Failure, quote } from '../lib/failure.ts';
import type { MapTree, Tree } from './yaml-tree.ts';

export type Scalar = string | number | boolean;

/** One place a value was found in, in words for an error: `svid.x509_ttl (assay.yaml:7)`. */
export interface Place {
  readonly label: string;
  /** True where all values are text: a flag or the environment. */
  readonly textOnly: boolean;
}

export interface Explained {
  readonly key: string;
  readonly value: string;
  readonly source: string;
}

export interface Setting<T> {
  readonly fallback: T;
  /** The value, or why not, as a sentence after the value: `is no duration`. */
  parse(raw: Scalar, place: Place): T | Refusal;
  /** For a setting that the file may also write as a section. */
  parseSection?(section: MapTree): T | Refusal;
  /** How `config show` prints it. */
  show?(value: T): string;
  /** Where the default comes from, when that is not a constant. */
  readonly fallbackSource?: string;
}

interface Found {
  readonly raw: unknown;
  readonly place: Place;
  readonly source: string;
}

export class Refusal {
  readonly reason: string;
  readonly hint: string | undefined;
  constructor(reason: string, hint?: string) {
    this.reason = reason;
    this.hint = hint;
  }
}

export interface Inputs {
  readonly tree: MapTree | undefined;
  /** Shown in errors. */
  readonly file: string | undefined;
  /** Key path to value: `sockets.workload`. */
  readonly flags: ReadonlyMap<string, unknown>;
  readonly env: ReadonlyMap<string, string>;
}

/** The flags that set a key, for errors; every other key has none. */
export const FLAG_NAMES: ReadonlyMap<string, string> = new Map([
  ['trust_domain', '--trust-domain'],
  ['data_dir', '--data-dir'],
  ['sockets.workload', '--workload-socket'],
  ['sockets.admin', '--admin-socket'],
  ['log.level', '--log-level'],
  ['log.format', '--log-format'],
]);

export function envNameOf(key: string): string {
  return `ASSAY_${key.replaceAll('.', '_').toUpperCase()}`;
}

export class SettingsReader {
  readonly problems: Failure[] = [];
  readonly explained: Explained[] = [];
  readonly #inputs: Inputs;
  readonly #keys = new Set<string>();
  readonly #scalars = new Set<string>();

  constructor(inputs: Inputs) {
    this.#inputs = inputs;
  }

  /** All keys asked for so far, sections included. */
  get keys(): ReadonlySet<string> {
    return this.#keys;
  }

  /** The keys that the environment may set. */
  get scalars(): ReadonlySet<string> {
    return this.#scalars;
  }

  read<T>(key: string, setting: Setting<T>): T {
    this.#scalars.add(key);
    return this.#take(key, setting, this.#find(key));
  }

  /** As `read`, but no variable gives it: what the daemon believes is named in a file that others cannot write (attack A13). */
  readFromFile<T>(key: string, setting: Setting<T>): T {
    return this.#take(key, setting, this.#findInFile(key));
  }

  #take<T>(key: string, setting: Setting<T>, found: Found | undefined): T {
    this.know(key);
    const value = found === undefined ? setting.fallback : this.#parse(key, found, setting);
    const shown = value === undefined ? '' : setting.show === undefined ? String(value) : setting.show(value);
    this.explained.push({ key, value: shown, source: found?.source ?? setting.fallbackSource ?? 'default' });
    return value;
  }

  /** A section, list or whatever else the file alone may say. */
  tree(key: string): Tree | undefined {
    this.know(key);
    let at: Tree | undefined = this.#inputs.tree;
    for (const part of key.split('.')) {
      if (at?.kind !== 'map') return undefined;
      at = at.members.get(part);
    }
    return at;
  }

  explain(key: string, value: string, source: string): void {
    this.explained.push({ key, value, source });
  }

  placeOf(key: string, line: number | undefined): string {
    return line === undefined ? key : `${key} (${this.#inputs.file ?? 'config'}:${line})`;
  }

  /** Records a mistake; the caller goes on with whatever it has. */
  refuse(field: string, value: unknown, reason: string, hint?: string): void {
    const message = value === undefined ? `${field}: ${reason}` : `${field}: ${quote(value)} ${reason}`;
    this.problems.push(
      new Failure('invalid-argument', 'CONFIG_INVALID', message, {
        field,
        ...(value === undefined ? {} : { value: quote(value) }),
        ...(hint === undefined ? {} : { hint }),
      }),
    );
  }

  /** Where `key` was set, in the words of that place: the flag, the variable, or the key and its line. */
  label(key: string): string {
    return this.#find(key)?.place.label ?? key;
  }

  /** Counts `key` among those that exist. */
  know(key: string): void {
    const parts = key.split('.');
    for (let i = 1; i <= parts.length; i++) this.#keys.add(parts.slice(0, i).join('.'));
  }

  #find(key: string): Found | undefined {
    const flag = this.#inputs.flags.get(key);
    if (flag !== undefined) {
      const name = FLAG_NAMES.get(key) ?? key;
      return { raw: flag, place: { label: name, textOnly: true }, source: `flag ${name}` };
    }
    const name = envNameOf(key);
    const variable = this.#inputs.env.get(name);
    // An empty variable is how a shell or a unit file says "not set".
    if (variable !== undefined && variable !== '') {
      return { raw: variable, place: { label: name, textOnly: true }, source: `env ${name}` };
    }
    return this.#findInFile(key);
  }

  #findInFile(key: string): Found | undefined {
    const node = this.tree(key);
    if (node === undefined) return undefined;
    const place = { label: this.placeOf(key, node.line), textOnly: false };
    const source = `${this.#inputs.file ?? 'config'}:${node.line}`;
    return { raw: node.kind === 'scalar' ? node.value : node, place, source };
  }

  #parse<T>(key: string, found: Found, setting: Setting<T>): T {
    const { raw, place } = found;
    if (raw === undefined) {
      this.refuse(place.label, undefined, 'has no value', `give it one, or remove ${key}`);
      return setting.fallback;
    }
    const section = asSection(raw);
    let value: T | Refusal;
    try {
      if (isScalarValue(raw)) value = setting.parse(raw, place);
      else if (section !== undefined && setting.parseSection !== undefined) value = setting.parseSection(section);
      else {
        this.refuse(place.label, undefined, 'must be a single value, not a section or a list');
        return setting.fallback;
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.problems.push(error);
      return setting.fallback;
    }
    if (value instanceof Refusal) {
      this.refuse(place.label, section === undefined ? raw : undefined, value.reason, value.hint);
      return setting.fallback;
    }
    return value;
  }
}

function isScalarValue(raw: unknown): raw is Scalar {
  return typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean';
}

function asSection(raw: unknown): MapTree | undefined {
  const node = raw as Tree;
  return typeof raw === 'object' && raw !== null && node.kind === 'map' ? node : undefined;
}
