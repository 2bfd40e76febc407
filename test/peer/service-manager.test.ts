// SPDX-License-Identifier: Apache-2.0
/** sd_notify(3): what a service manager hears, on a socket of its own. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { AF_UNIX, bindSocket, closeFd, openSocket, receiveBytes, SOCK_DGRAM } from '../../src/peer/native.ts';
import { notifyServiceManager } from '../../src/peer/service-manager.ts';
import { refusalOf } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('notify');

/** Runs `tell` while a datagram socket is bound to `name`, and answers with what it got. */
function heard(name: string, tell: () => void): string {
  const fd = openSocket(AF_UNIX, SOCK_DGRAM, 0);
  try {
    bindSocket(fd, Buffer.from(`\u0001\u0000${name}`, 'latin1'));
    tell();
    const bytes = Buffer.alloc(64);
    return bytes.toString('latin1', 0, receiveBytes(fd, bytes));
  } finally {
    closeFd(fd);
  }
}

describe('notifyServiceManager', () => {
  it('sends one datagram to a path', () => {
    const path = join(dir, 'notify');
    expect(heard(`${path}\u0000`, () => notifyServiceManager(path, 'READY=1'))).toBe('READY=1');
  });

  it('sends one datagram to an abstract name', () => {
    const name = `assay-test-${process.pid}`;
    expect(heard(`\u0000${name}`, () => notifyServiceManager(`@${name}`, 'STOPPING=1'))).toBe('STOPPING=1');
  });

  it.each([
    ['nobody listens', join(dir, 'nobody'), /ENOENT/],
    ['it is no socket address', 'vsock:2:1234', /neither a path nor an abstract name/],
    ['it is too long', `/${'x'.repeat(107)}`, /longer than 107 bytes/],
  ])('says so when %s', (_, socket, message) => {
    expect(refusalOf(() => notifyServiceManager(socket, 'READY=1')).message).toMatch(message);
  });
});
