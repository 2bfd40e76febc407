// SPDX-License-Identifier: Apache-2.0
/** Takes the sockets a service manager would have passed, and says what they are. */
import { readFileSync } from 'node:fs';
import { takePassedSockets } from '../../../src/peer/systemd.ts';

const sockets = takePassedSockets({ LISTEN_PID: String(process.pid), LISTEN_FDS: '1' }, process.pid);
// O_CLOEXEC in the flags of fdinfo (proc_pid_fdinfo(5)).
const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/fdinfo/3', 'utf8'))?.[1] ?? '0';
process.stdout.write(
  `${JSON.stringify({
    event: 'passed',
    paths: [...sockets.keys()],
    fds: [...sockets.values()],
    closeOnExec: (Number.parseInt(flags, 8) & 0o2000000) !== 0,
  })}\n`,
);
