// SPDX-License-Identifier: Apache-2.0
/** Tells the service manager how the daemon stands (sd_notify(3)): one datagram to the socket that NOTIFY_SOCKET names. */
import { Failure, quote } from '../lib/failure.ts';
import { AF_UNIX, closeFd, connectSocket, openSocket, SOCK_DGRAM, sendBytes } from './native.ts';
import { NativeError } from './native-error.ts';

/** sun_path of struct sockaddr_un (unix(7)). */
const MOST_PATH_BYTES = 107;

/** `state` is `READY=1` or the like. Throws a Failure when it cannot be sent. */
export function notifyServiceManager(socket: string, state: string): void {
  const address = addressOf(socket);
  let fd: number | undefined;
  try {
    fd = openSocket(AF_UNIX, SOCK_DGRAM, 0);
    connectSocket(fd, address);
    sendBytes(fd, Buffer.from(state));
  } catch (cause) {
    if (!(cause instanceof NativeError)) throw cause;
    throw refuse(socket, `cannot be told (${cause.code})`, cause);
  } finally {
    if (fd !== undefined) closeFd(fd);
  }
}

/** A path, or with `@` in front an abstract name. */
function addressOf(socket: string): Buffer {
  if (!/^[/@]/.test(socket)) throw refuse(socket, 'is neither a path nor an abstract name');
  const name = Buffer.from(socket);
  if (name.length > MOST_PATH_BYTES) throw refuse(socket, `is longer than ${MOST_PATH_BYTES} bytes`);
  const abstract = name[0] === 0x40;
  if (abstract) name[0] = 0;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat(abstract ? [family, name] : [family, name, Buffer.alloc(1)]);
}

function refuse(socket: string, reason: string, cause?: unknown): Failure {
  return new Failure('failed-precondition', 'NOTIFY_SOCKET', `NOTIFY_SOCKET ${quote(socket)} ${reason}`, {
    field: 'NOTIFY_SOCKET',
    value: quote(socket),
    hint: 'it is set by systemd for units of Type=notify; unset it elsewhere',
    ...(cause === undefined ? {} : { cause }),
  });
}
