// SPDX-License-Identifier: Apache-2.0
/**
 * Takes a call's messages out of its bytes (gRPC over HTTP/2, "Length-Prefixed-Message"), in the place of grpc-js's own
 * decoder, which bounds the size of one message and nothing else (attack B4):
 *
 * - a unary call has one message; a frame of 16 KiB can hold 3,276 empty ones;
 * - what has come of an unfinished message is copied: a piece that is kept would keep the whole read that brought it.
 */
export interface RequestBounds {
  readonly messageBytes: number;
  /** The setting that says so. */
  readonly limit?: string;
  /** Of the whole call; Infinity for a stream of requests. */
  readonly messages: number;
  /** Of them, decoded and not yet taken. */
  readonly waiting: number;
}

const HEAD_BYTES = 5;
/** Room that a message gets before its bytes are there. */
const FIRST_BYTES = 1_024;
const EMPTY = Buffer.alloc(0);

export class RequestDecoder {
  readonly #bounds: RequestBounds;
  readonly #waiting: () => number;
  #head = EMPTY;
  #headBytes = 0;
  #message = EMPTY;
  #have = 0;
  #whole = 0;
  #messages = 0;
  #refused = false;

  /** `waiting`: how many earlier messages are not taken yet. */
  constructor(bounds: RequestBounds, waiting: () => number) {
    this.#bounds = bounds;
    this.#waiting = waiting;
  }

  /**
   * Whole messages, each behind its head. Throws an Error, fit for the caller, when a bound is passed; what comes after
   * that is dropped, since grpc-js goes on reading until its status has left.
   */
  write(data: Buffer): Buffer[] {
    const done: Buffer[] = [];
    // guard: B4 test/attacks/request-bounds.test.ts
    if (this.#refused) return done;
    let at = 0;
    while (at < data.length) {
      const whole = this.#headBytes === 0 ? this.#wholeAt(data, at, done.length) : 0;
      if (whole > 0) {
        done.push(data.subarray(at, at + whole));
        at += whole;
        continue;
      }
      at += this.#headBytes < HEAD_BYTES ? this.#takeHead(data, at, done.length) : this.#takeBody(data, at);
      if (this.#isWhole()) done.push(this.#take());
    }
    return done;
  }

  #refuse(why: string): never {
    this.#refused = true;
    throw new Error(why);
  }

  #isWhole(): boolean {
    return this.#headBytes === HEAD_BYTES && this.#have === this.#whole;
  }

  /** The length of a message that is there as a whole, as nearly all are; it is decoded at once, so it need not be copied. */
  #wholeAt(data: Buffer, at: number, done: number): number {
    if (data.length - at < HEAD_BYTES) return 0;
    const size = data.readUInt32BE(at + 1);
    if (data.length - at - HEAD_BYTES < size) return 0;
    this.#begin(size, done);
    return HEAD_BYTES + size;
  }

  #takeHead(data: Buffer, at: number, done: number): number {
    if (this.#headBytes === 0) this.#head = Buffer.alloc(HEAD_BYTES);
    const count = data.copy(this.#head, this.#headBytes, at, at + HEAD_BYTES - this.#headBytes);
    this.#headBytes += count;
    if (this.#headBytes < HEAD_BYTES) return count;
    const size = this.#head.readUInt32BE(1);
    this.#begin(size, done);
    this.#whole = HEAD_BYTES + size;
    this.#message = Buffer.alloc(Math.min(this.#whole, FIRST_BYTES));
    this.#have = this.#head.copy(this.#message);
    return count;
  }

  #begin(size: number, done: number): void {
    const { messageBytes, limit = 'limits.request_bytes', messages, waiting } = this.#bounds;
    // guard: B4 test/attacks/request-bounds.test.ts
    if (this.#messages >= messages) this.#refuse(`more than ${messages} request message`);
    // guard: B4 test/attacks/request-bounds.test.ts
    if (done + this.#waiting() >= waiting) this.#refuse(`more than ${waiting} request messages at once`);
    // guard: I9 test/attacks/request-bounds.test.ts
    if (size > messageBytes)
      this.#refuse(`a request message of ${size} bytes: the ceiling is ${messageBytes} (${limit})`);
    this.#messages += 1;
  }

  #takeBody(data: Buffer, at: number): number {
    const count = Math.min(data.length - at, this.#whole - this.#have);
    if (this.#have + count > this.#message.length) {
      const room = Math.min(this.#whole, Math.max(this.#have + count, this.#message.length * 2));
      const before = this.#message;
      this.#message = Buffer.alloc(room);
      before.copy(this.#message, 0, 0, this.#have);
    }
    data.copy(this.#message, this.#have, at, at + count);
    this.#have += count;
    return count;
  }

  #take(): Buffer {
    const message = this.#message;
    this.#message = EMPTY;
    this.#headBytes = 0;
    this.#have = 0;
    this.#whole = 0;
    return message;
  }
}
