// SPDX-License-Identifier: Apache-2.0
/** Does this kernel hand out a pidfd for a unix socket's peer (SO_PEERPIDFD, Linux 6.5)? Asked once, at start (attack A4). */
import { release } from 'node:os';
import { Failure } from '../lib/failure.ts';
import type { PidfdSource } from './credentials.ts';
import { AF_UNIX, closeFd, openSocket, pidfdOpen, SO_PEERPIDFD, SOCK_STREAM, socketOption } from './native.ts';
import { NativeError } from './native-error.ts';

export function decidePidfdSource(): PidfdSource {
  try {
    closeFd(pidfdOpen(process.pid));
  } catch (cause) {
    throw new Failure(
      'failed-precondition',
      'KERNEL_TOO_OLD',
      `this kernel (${release()}) gives no pidfd: Assay needs Linux 5.6 or newer, and pidfd_open allowed by the seccomp filter`,
      { hint: 'run on Linux 6.5 or newer', cause },
    );
  }
  const socket = openSocket(AF_UNIX, SOCK_STREAM, 0);
  try {
    const length = socketOption(socket, SO_PEERPIDFD, Buffer.alloc(4));
    return length === 4 ? 'kernel' : 'by-number';
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    // A socket without a peer: ENODATA or EINVAL where the option exists, ENOPROTOOPT where it does not.
    return error.code === 'ENOPROTOOPT' ? 'by-number' : 'kernel';
  } finally {
    closeFd(socket);
  }
}
