// SPDX-License-Identifier: Apache-2.0
/** PEM as RFC 7468 section 2 has it: 64 columns, one label, text around the blocks ignored. */
import { Failure, quote } from '../lib/failure.ts';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END ([A-Z0-9 ]+)-----/g;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** `label` is CERTIFICATE, PRIVATE KEY. Ends with a line feed. */
export function toPem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** Every block in order. A block of another label, broken base64 or a half block refuses the whole text. */
export function fromPem(text: string, label: string): Buffer[] {
  const found: Buffer[] = [];
  const rest = text.replace(BLOCK, (_, begin: string, body: string, end: string) => {
    if (begin !== label || end !== label) throw refusal(`a block of ${quote(begin)} where ${quote(label)} belongs`);
    found.push(decode(body));
    return '';
  });
  if (rest.includes('-----BEGIN') || rest.includes('-----END')) throw refusal('a block that is not whole');
  return found;
}

function decode(body: string): Buffer {
  const packed = body.replace(/[ \t\r\n]/g, '');
  if (packed === '' || !BASE64.test(packed)) throw refusal('a block that is not base64');
  return Buffer.from(packed, 'base64');
}

function refusal(reason: string): Failure {
  return new Failure('invalid-argument', 'PEM_INVALID', `PEM refused: it holds ${reason}`, {
    hint: 'give whole blocks of one kind, as openssl writes them',
  });
}
