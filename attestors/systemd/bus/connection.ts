// SPDX-License-Identifier: Apache-2.0
/**
 * One connection to a message bus, or to a service that speaks as a bus does: authentication (D-Bus Specification,
 * "Authentication Protocol", EXTERNAL), calls and their replies, signals. Any fault of the other side ends it.
 */
import type { Duplex } from 'node:stream';
import type { Clock } from '../../../src/attestation/plugin.ts';
import {
  type Call,
  ERROR,
  encodeCall,
  METHOD_RETURN,
  type Message,
  MessageReader,
  SIGNAL,
  valuesOf,
} from './messages.ts';
import { BusError, type Value } from './values.ts';

/** An error that the called method answered with. */
export class MethodError extends BusError {
  /** `org.freedesktop.systemd1.NoUnitForPID`. */
  readonly errorName: string;

  constructor(errorName: string) {
    super(`the answer is the error ${errorName}`);
    this.name = 'MethodError';
    this.errorName = errorName;
  }
}

export interface BusOptions {
  readonly socket: Duplex;
  /** Ours, as the other side's kernel has it. */
  readonly uid: number;
  readonly clock: Clock;
  /** For one answer. */
  readonly answerMs: number;
  readonly signal: (message: Message) => void;
  /** A message was passed over for its size. It may have been any signal. */
  readonly missed: () => void;
  /** Called once, with the reason. */
  readonly closed: (reason: BusError) => void;
}

interface Waiting {
  readonly destination: string | undefined;
  readonly resolve: (message: Message) => void;
  readonly reject: (reason: Error) => void;
}

/** What we wait for is far below; larger messages are for others, or of no use. */
const MOST_BYTES = 256 << 10;
/** The bus itself, as sender and as destination. */
export const BUS = 'org.freedesktop.DBus';
const LONGEST_LINE = 1_024;
const MOST_SERIAL = 2 ** 32 - 1;

export class BusConnection {
  readonly #options: BusOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #reader: MessageReader;
  /** Until the other side has said OK, lines come; then messages. */
  #authenticating: ((line: string) => void) | undefined;
  #line = '';
  #serial = 0;
  #reason: BusError | undefined;

  private constructor(options: BusOptions) {
    this.#options = options;
    const { socket } = options;
    this.#reader = new MessageReader(MOST_BYTES, options.missed);
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('error', (error: Error) => this.end(new BusError(`the connection failed: ${error.message}`)));
    socket.on('end', () => this.end(new BusError('the connection was closed')));
    socket.on('close', () => this.end(new BusError('the connection was closed')));
  }

  /** Authenticated. Rejects with a BusError or the signal's reason, and has closed the socket then. */
  static async open(options: BusOptions, signal: AbortSignal): Promise<BusConnection> {
    const connection = new BusConnection(options);
    const abort = (): void => connection.end(new BusError('nobody waits for the connection any more'));
    signal.addEventListener('abort', abort, { once: true });
    try {
      await connection.#authenticate();
      return connection;
    } catch (error) {
      connection.end(error as BusError);
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** The values of the answer. Rejects with a MethodError, or a BusError when there is none; the connection may have ended by then. */
  async call(call: Call, answer: string): Promise<readonly Value[]> {
    const message = await this.#send(call);
    if (message.type === ERROR) throw new MethodError(nameOf(message.errorName));
    return valuesOf(message, answer);
  }

  /** Idempotent. */
  end(reason: BusError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#options.socket.destroy();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
    this.#authenticating?.('');
    this.#options.closed(reason);
  }

  #send(call: Call): Promise<Message> {
    if (this.#reason !== undefined) return Promise.reject(this.#reason);
    this.#serial = this.#serial === MOST_SERIAL ? 1 : this.#serial + 1;
    const { clock, answerMs, socket } = this.#options;
    const serial = this.#serial;
    return new Promise<Message>((resolve, reject) => {
      // One that is late once would be late for everyone who waits behind.
      const late = clock.after(answerMs, () => this.end(new BusError(`no answer within ${answerMs} ms`)));
      this.#waiting.set(serial, {
        destination: call.destination,
        resolve: (message) => {
          late.cancel();
          resolve(message);
        },
        reject: (reason) => {
          late.cancel();
          reject(reason);
        },
      });
      socket.write(encodeCall(call, serial));
    });
  }

  async #authenticate(): Promise<void> {
    const { socket, uid, clock, answerMs } = this.#options;
    const late = clock.after(answerMs, () => this.end(new BusError(`no answer within ${answerMs} ms`)));
    const answer = new Promise<string>((resolve) => {
      this.#authenticating = resolve;
    });
    // All of it at once, as sd-bus does: what sd-bus as a server finds behind BEGIN in one piece, it leaves lying until more
    // comes, so no message may arrive together with it; the first one is written when OK has been read.
    socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\nBEGIN\r\n`);
    const line = await answer;
    late.cancel();
    this.#authenticating = undefined;
    if (this.#reason !== undefined) throw this.#reason;
    if (!/^OK [0-9a-f]+$/i.test(line)) throw new BusError('it does not take our credentials');
  }

  #take(bytes: Buffer): void {
    try {
      const rest = this.#authenticating === undefined ? bytes : this.#takeLine(bytes);
      if (rest.length === 0) return;
      for (const message of this.#reader.take(rest)) this.#dispatch(message);
    } catch (error) {
      this.end(error instanceof BusError ? error : new BusError('a message cannot be understood'));
    }
  }

  /** Nothing may follow the line: it is our turn to speak. */
  #takeLine(bytes: Buffer): Buffer {
    this.#line += bytes.toString('latin1');
    const end = this.#line.indexOf('\r\n');
    // guard: I9 test/attestors/systemd/connection.test.ts
    if (this.#line.length > LONGEST_LINE) throw new BusError('its answer to our credentials has no end');
    if (end < 0) return Buffer.alloc(0);
    if (end !== this.#line.length - 2) throw new BusError('it speaks before its turn');
    this.#authenticating?.(this.#line.slice(0, end));
    return Buffer.alloc(0);
  }

  #dispatch(message: Message): void {
    if (message.type === SIGNAL) this.#options.signal(message);
    if (message.type !== METHOD_RETURN && message.type !== ERROR) return;
    const serial = message.replySerial ?? 0;
    const waiting = this.#waiting.get(serial);
    if (waiting === undefined) return;
    // guard: A10 test/attestors/systemd/connection.test.ts — anybody on the bus may answer what he was not asked
    if (!isFrom(message, waiting.destination)) return;
    this.#waiting.delete(serial);
    waiting.resolve(message);
  }
}

/** Whom we asked. That he is not there is the bus's own word. */
function isFrom(message: Message, destination: string | undefined): boolean {
  return (
    destination === undefined || message.sender === destination || (message.type === ERROR && message.sender === BUS)
  );
}

/** As an error's name may be (D-Bus Specification, "Valid Names"); it goes into our own words. */
function nameOf(name: string | undefined): string {
  return name !== undefined && /^[A-Za-z_][A-Za-z0-9_.]{0,254}$/.test(name) ? name : 'without a name';
}
