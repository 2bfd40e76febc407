// SPDX-License-Identifier: Apache-2.0
/**
 * The system manager, as far as it says which unit a process is in (org.freedesktop.systemd1(5)). Heard over its own socket, or
 * over the system bus; there every word is the manager's only if the bus says so: its name is root's to own, and each answer
 * and signal carries the name of its sender.
 *
 * What it said of a unit is kept while its signals are heard, and until one speaks of the unit or of everything.
 */
import type { Duplex } from 'node:stream';
import { AttestorError, type AttestorHealth, type Clock, type Timer } from '../../src/attestation/plugin.ts';
import { BUS, BusConnection, MethodError } from './bus/connection.ts';
import { type Message, valuesOf } from './bus/messages.ts';
import { BusError, type Value } from './bus/values.ts';

/** `isBus`: the system bus, and not the manager's own socket. Rejects with words for an operator. */
export type ConnectManager = (signal: AbortSignal) => Promise<{ readonly socket: Duplex; readonly isBus: boolean }>;

export interface ManagerOptions {
  readonly connect: ConnectManager;
  /** The daemon's own, to say who we are. */
  readonly uid: number;
  readonly clock: Clock;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

export interface UnitFacts {
  /** Of its object. */
  readonly path: string;
  /** `payments.service`. */
  readonly id: string;
  /** Empty: the unit has no file. */
  readonly fragmentPath: string;
}

const NAME = 'org.freedesktop.systemd1';
const MANAGER = { path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager' } as const;
const UNIT = 'org.freedesktop.systemd1.Unit';
const BUS_OBJECT = { destination: BUS, path: '/org/freedesktop/DBus', interface: BUS } as const;
/** systemd.unit(5): a name of ASCII characters, at most 255 with its type. */
const UNIT_ID = /^[A-Za-z0-9:_.\\@-]{1,242}\.[a-z]{1,12}$/;
const ANSWER_MS = 4_000;
const MOST_UNITS = 4_096;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** Not heard for so long, what it said is told of as out of date. */
const GRACE_MS = 1_000;

interface Live {
  readonly connection: BusConnection;
  /** The manager's unique name; undefined without a bus. */
  readonly manager: string | undefined;
}

export class SystemManager {
  readonly #options: ManagerOptions;
  readonly #listeners = new Set<(unit?: string) => void>();
  /** By object path. */
  readonly #units = new Map<string, UnitFacts>();
  /** Counts what was told: facts asked for before are not kept. */
  #epoch = 0;
  #live: Live | undefined;
  #connecting: Promise<Live> | undefined;
  #trouble: string | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #again: Timer | undefined;
  #grace: Timer | undefined;
  readonly #closing = new AbortController();

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#connect().catch(() => undefined);
  }

  /** Undefined: the process is in no unit. Rejects with an AttestorError, or with the signal's reason. */
  async unitOf(pid: number, signal: AbortSignal): Promise<UnitFacts | undefined> {
    const live = await unlessAborted(this.#connected(), signal);
    return unlessAborted(this.#ask(live, pid), signal);
  }

  /** Does what was said of the unit still stand? */
  stands(facts: UnitFacts): boolean {
    return this.#units.get(facts.path) === facts;
  }

  /** Calls back with the unit that may have changed; with none, when all may have. Returns the undo. */
  onChange(listener: (unit?: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get health(): AttestorHealth {
    if (this.#live !== undefined) return { status: 'ok', text: 'hears the system manager' };
    const why = this.#trouble ?? 'it is being connected';
    return { status: 'fail', text: `does not hear the system manager, so callers are refused: ${why}` };
  }

  close(): void {
    this.#closing.abort(new AttestorError('the daemon stops'));
    this.#again?.cancel();
    this.#grace?.cancel();
    this.#live?.connection.end(new BusError('the daemon stops'));
    this.#listeners.clear();
  }

  async #ask(live: Live, pid: number): Promise<UnitFacts | undefined> {
    try {
      const path = await this.#unitPath(live, pid);
      return path === undefined ? undefined : (this.#units.get(path) ?? (await this.#facts(live, path)));
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      throw new AttestorError(`the system manager: ${error.message}`, error);
    }
  }

  async #unitPath({ connection, manager }: Live, pid: number): Promise<string | undefined> {
    const call = { ...MANAGER, destination: manager, member: 'GetUnitByPID', signature: 'u', values: [pid] };
    try {
      const [path] = await connection.call(call, 'o');
      return path as string;
    } catch (error) {
      if (error instanceof MethodError && error.errorName === `${NAME}.NoUnitForPID`) return undefined;
      throw error;
    }
  }

  async #facts({ connection, manager }: Live, path: string): Promise<UnitFacts> {
    const epoch = this.#epoch;
    const property = async (name: string): Promise<Value | undefined> => {
      const call = { destination: manager, path, interface: 'org.freedesktop.DBus.Properties', member: 'Get' };
      const [value] = await connection.call({ ...call, signature: 'ss', values: [UNIT, name] }, 'v');
      return value;
    };
    const [id, fragmentPath] = await Promise.all([property('Id'), property('FragmentPath')]);
    if (typeof id !== 'string' || !UNIT_ID.test(id) || typeof fragmentPath !== 'string')
      throw new BusError('it names a unit as units are not named');
    const facts = { path, id, fragmentPath };
    // guard: I1 test/attestors/systemd/changes.test.ts — told of while it was asked for
    if (epoch !== this.#epoch) return facts;
    this.#keep(path, facts);
    return facts;
  }

  #keep(path: string, facts: UnitFacts): void {
    if (this.#units.size >= MOST_UNITS) this.#units.clear();
    this.#units.set(path, facts);
  }

  #connected(): Promise<Live> {
    if (this.#live !== undefined) return Promise.resolve(this.#live);
    return this.#connect();
  }

  /** One attempt at a time, whoever wants it. */
  #connect(): Promise<Live> {
    this.#again?.cancel();
    this.#connecting ??= this.#open().then(
      (live) => this.#isLive(live),
      (error: unknown) => this.#isDown(error),
    );
    return this.#connecting;
  }

  async #open(): Promise<Live> {
    const { connect, uid, clock } = this.#options;
    const { signal } = this.#closing;
    signal.throwIfAborted();
    const { socket, isBus } = await connect(signal);
    let connection: BusConnection | undefined;
    const options = { socket, uid, clock, answerMs: ANSWER_MS, missed: () => this.#forgetAll() };
    const opened = await BusConnection.open(
      {
        ...options,
        signal: (message) => this.#hear(message),
        closed: (reason) => this.#isLost(connection, reason),
      },
      signal,
    );
    connection = opened;
    try {
      return { connection: opened, manager: await this.#introduce(opened, isBus) };
    } catch (error) {
      opened.end(error instanceof BusError ? error : new BusError('it could not be asked'));
      throw error;
    }
  }

  /** Asks for signals; over a bus, first who the manager is. Its unique name, or undefined without a bus. */
  async #introduce(connection: BusConnection, isBus: boolean): Promise<string | undefined> {
    const manager = isBus ? await managerOnBus(connection) : undefined;
    await connection.call({ ...MANAGER, destination: manager, member: 'Subscribe' }, '');
    return manager;
  }

  #isLive(live: Live): Live {
    this.#connecting = undefined;
    this.#live = live;
    this.#trouble = undefined;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#grace?.cancel();
    this.#options.log.info({}, 'the system manager is heard');
    // guard: I1 test/attestors/systemd/changes.test.ts — what happened since it was last heard is not known
    this.#forgetAll();
    return live;
  }

  #isDown(error: unknown): never {
    this.#connecting = undefined;
    const reason = error instanceof Error ? error.message : 'unknown';
    if (this.#trouble !== reason && !this.#closing.signal.aborted)
      this.#options.log.warn({ err: error }, 'the system manager is not heard');
    this.#trouble = reason;
    this.#later();
    if (error instanceof BusError) throw new AttestorError(`the system manager: ${error.message}`, error);
    throw error;
  }

  #isLost(connection: BusConnection | undefined, reason: BusError): void {
    if (connection === undefined || this.#live?.connection !== connection) return;
    this.#live = undefined;
    this.#trouble = reason.message;
    this.#units.clear();
    this.#epoch += 1;
    if (this.#closing.signal.aborted) return;
    this.#options.log.warn({ err: reason }, 'the system manager is not heard');
    this.#connect().catch(() => undefined);
    // guard: I1 test/attestors/systemd/changes.test.ts — open streams do not rest for long on what nobody watches
    this.#grace = this.#options.clock.after(GRACE_MS, () => this.#forgetAll());
  }

  #later(): void {
    if (this.#closing.signal.aborted) return;
    this.#again?.cancel();
    this.#again = this.#options.clock.after(this.#pauseMs, () => this.#connect().catch(() => undefined));
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #hear(message: Message): void {
    const live = this.#live;
    // Over a bus anybody may send us a signal of any name.
    // guard: A10 test/attestors/systemd/changes.test.ts
    if (live?.manager !== undefined && message.sender !== live.manager && message.sender !== BUS) return;
    if (message.interface === BUS && message.member === 'NameOwnerChanged' && message.sender === BUS) {
      const [name] = valuesOf(message, 'sss');
      if (name === NAME) live?.connection.end(new BusError('it has been started anew'));
      return;
    }
    if (message.interface !== MANAGER.interface) return;
    if (message.member === 'Reloading') this.#forgetAll();
    if (message.member === 'UnitRemoved') this.#forget(...(valuesOf(message, 'so') as [string, string]));
  }

  #forget(unit: string, path: string): void {
    this.#epoch += 1;
    this.#units.delete(path);
    for (const listener of [...this.#listeners]) listener(unit);
  }

  #forgetAll(): void {
    this.#epoch += 1;
    this.#units.clear();
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Who owns the manager's name: root, and the first process of the bus's own pid namespace. */
async function managerOnBus(connection: BusConnection): Promise<string> {
  const ask = async (member: string, name: string, answer: string): Promise<Value | undefined> =>
    (await connection.call({ ...BUS_OBJECT, member, signature: 's', values: [name] }, answer))[0];
  await connection.call({ ...BUS_OBJECT, member: 'Hello' }, 's');
  const rule = (words: Readonly<Record<string, string>>): string =>
    Object.entries({ type: 'signal', ...words })
      .map(([key, value]) => `${key}='${value}'`)
      .join();
  await ask('AddMatch', rule({ sender: BUS, interface: BUS, member: 'NameOwnerChanged', arg0: NAME }), '');
  const manager = (await ask('GetNameOwner', NAME, 's')) as string;
  if (!/^:[0-9.]{1,40}$/.test(manager)) throw new BusError('the bus names it as nobody is named');
  // guard: A10 test/attestors/systemd/changes.test.ts
  if ((await ask('GetConnectionUnixUser', manager, 'u')) !== 0) throw new BusError('it is not root’s');
  // guard: A10 test/attestors/systemd/changes.test.ts
  if ((await ask('GetConnectionUnixProcessID', manager, 'u')) !== 1) throw new BusError('it is not the first process');
  await ask('AddMatch', rule({ sender: manager, ...MANAGER }), '');
  return manager;
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
