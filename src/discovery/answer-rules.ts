// SPDX-License-Identifier: Apache-2.0
/** What verifiers want of an answer whatever document is in it: that it comes, by whom, in which form. */
import { BlockList, isIPv6 } from 'node:net';
import { formatDuration } from '../lib/duration.ts';
import { quote } from '../lib/failure.ts';
import type { HttpsUrl } from '../lib/https-url.ts';
import { isUnproven, OTHER_HOST } from '../lib/tls-trouble.ts';
import { type Fetched, MOST_BYTES } from './fetch.ts';
import { broken, type Finding, fine } from './finding.ts';

/** Ours: a verifier asks while its own caller waits, and none says how long it does. */
const SLOW_MS = 5_000;
const SOON_MS = 7 * 86_400_000;

export function unanswered(what: string, url: HttpsUrl, error: unknown): Finding {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  const why =
    typeof code === 'string'
      ? code
      : name === 'TimeoutError' || name === 'AbortError'
        ? 'no answer in time'
        : 'the connection failed';
  if (isUnproven(why))
    return broken(
      'certificate',
      why === OTHER_HOST
        ? `that of ${url} is for another host`
        : `that of ${url} is not one that its verifiers trust (${why})`,
      'give https.cert a certificate of a public authority for that host, with its chain; for one of your own, --ca-file FILE',
    );
  return broken(
    `${what} reachable`,
    `${url} cannot be asked: ${why}`,
    'check the name, the port and what stands between it and https.listen',
  );
}

/** `ownAuthorities`: other than the web's were given. */
export function checkCertificate({ certificateNotAfter }: Fetched, now: number, ownAuthorities: boolean): Finding[] {
  const name = 'certificate';
  const left = certificateNotAfter - now;
  const until = `is trusted, until ${new Date(certificateNotAfter).toISOString()}`;
  const soon: Finding =
    left < SOON_MS
      ? {
          name,
          text: `it ${until}`,
          refusedBy: 'all',
          unsure: true,
          hint: 'renew https.cert; it is read anew by itself',
        }
      : fine(name, `it ${until}`);
  if (!ownAuthorities) return [soon];
  const text = 'its authority is one of --ca-file and none of the web that these know';
  return [soon, broken('public authority', text, 'show a certificate of a public authority to them', ['gcp', 'azure'])];
}

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv6');

export function checkReachable(what: string, url: HttpsUrl, { address, tookMs }: Fetched): Finding {
  const name = `${what} reachable`;
  const took = formatDuration(Math.max(1, Math.round(tookMs)));
  const text = `${url} answers from ${address} within ${took}`;
  if (tookMs > SLOW_MS) return { name, text, refusedBy: 'all', unsure: true, hint: 'look for what is slow on the way' };
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  // Names can mean other addresses elsewhere.
  if (PRIVATE.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4'))
    return {
      name,
      text: `${text}, a private address`,
      refusedBy: ['aws', 'gcp', 'azure'],
      unsure: true,
      hint: 'make sure that the name leads there from the internet as well',
    };
  return fine(name, text);
}

/** The text, or what is wrong with it. `types`: media types that fit. */
export function checkForm(what: string, url: HttpsUrl, fetched: Fetched, types: readonly string[]): Finding {
  const { status, contentType = '', text, bytes } = fetched;
  const name = `${what} answer`;
  const elsewhere = 'is something else listening there, or a proxy before https.listen?';
  if (status >= 300 && status < 400)
    return broken(
      name,
      `${url} leads elsewhere (${status}), where not all verifiers follow`,
      'serve it at that address',
    );
  if (status !== 200) return broken(name, `the status of ${url} is ${status}`, elsewhere);
  if (bytes > MOST_BYTES) return broken(name, `it is larger than ${MOST_BYTES} bytes`, elsewhere);
  if (text === undefined) return broken(name, 'it is no text in UTF-8', elsewhere);
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (!types.includes(type))
    return broken(name, `its content type is ${quote(contentType)}, and wanted is ${types[0]}`, elsewhere);
  return fine(name, `200, ${type}, ${bytes} bytes`);
}
