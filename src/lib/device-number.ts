// SPDX-License-Identifier: Apache-2.0
/** A device's two halves out of st_dev, as glibc puts them together (gnu_dev_major, gnu_dev_minor; sys/sysmacros.h). */
export function splitDevice(dev: bigint): { readonly major: bigint; readonly minor: bigint } {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return { major, minor };
}
