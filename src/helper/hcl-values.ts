// SPDX-License-Identifier: Apache-2.0
/** Values as hashicorp/hcl v1.0.0 decodes them (decoder.go). */
import type { SectionReader } from './section-reader.ts';
import type { TokenOutput } from './settings.ts';
import { fileName } from './values.ts';

/**
 * A file mode as Go reads an integer: `0644` is octal and `644` is not (decodeInt, base 0). Zero stands for the default. A decimal
 * one is hardly what was meant, and still what spiffe-helper does, so it is done and said.
 */
export function goMode(reader: SectionReader, key: string, fallback: number, warnings: string[]): number {
  const text = reader.text(key);
  if (text === undefined) return fallback;
  const mode = goInteger(text);
  if (mode === undefined || mode < 0 || mode > 0o777) {
    reader.refuse(key, 'is no file mode from 0 to 0777', 'write an octal number, such as 0640');
    return fallback;
  }
  if (mode === 0) return fallback;
  const octal = mode.toString(8).padStart(4, '0');
  if (!text.startsWith('0'))
    warnings.push(`${key} = ${text} is a decimal number: the mode is ${octal}. Write 0${text} if that was meant`);
  return mode;
}

/** strconv.ParseInt with base 0, without underscores. */
export function goInteger(text: string): number | undefined {
  const [, sign, octal, rest] = /^([+-]?)(?:(0o?)(?=[0-7]+$))?(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)$/.exec(text) ?? [];
  if (rest === undefined) return undefined;
  if (octal === undefined && /^0[0-9]/.test(rest)) return undefined;
  const value = octal === undefined ? Number(rest) : Number.parseInt(rest, 8);
  return sign === '-' ? -value : value;
}

/** `jwt_svids`: a list of objects. */
export function readHclTokens(reader: SectionReader): readonly TokenOutput[] {
  return reader.sections('jwt_svids').flatMap((section) => {
    const file = fileName(section, 'jwt_svid_file_name');
    const audience = section.text('jwt_audience');
    const more = section.texts('jwt_extra_audiences');
    if (section.tree('jwt_svid_file_name') === undefined) section.refuse('jwt_svid_file_name', 'is required');
    if (audience === undefined) section.refuse('jwt_audience', 'is required');
    section.finish();
    return file === undefined || audience === undefined ? [] : [{ file, audiences: [audience, ...more] }];
  });
}
