// SPDX-License-Identifier: Apache-2.0
/**
 * Names of environment variables under which secrets are handed to programs (attack C5). Only the name is judged: what it
 * holds is never looked at. A name that looks like one and holds something else is a finding too many, which somebody closes.
 */

/** Exact names that end like no other. */
const NAMES: ReadonlySet<string> = new Set([
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AZURE_CLIENT_SECRET',
  'DATABASE_URL',
  'GITHUB_PAT',
  'MYSQL_PWD',
  'PGPASSWORD',
  'PGPASSFILE',
  'REDIS_URL',
  'MONGODB_URI',
  'MONGO_URL',
  'AMQP_URL',
  'SENTRY_DSN',
  'SSHPASS',
  'GOOGLE_APPLICATION_CREDENTIALS',
]);

/** Ends, after an underscore or alone. */
const ENDS =
  /(?:^|_)(?:API_?KEYS?|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY|SIGNING_KEY|ENCRYPTION_KEY|MASTER_KEY|AUTH_KEY|ACCOUNT_KEY|TOKENS?|SECRETS?|PASSWORDS?|PASSWD|PASSPHRASE|CREDENTIALS?|CONNECTION_STRING|CLIENT_SECRET)$/;

/** Names of things that are public, or that are no secret by themselves. */
const NOT = /(?:^|_)(?:PUBLIC_KEY|TOKEN_FILE|TOKEN_PATH|TOKEN_URL)$|^(?:SPIFFE|ASSAY)_/;

/** Longer ones are nobody's convention. */
export const LONGEST_NAME = 128;

/** `name` as it stands before the `=`; lower case counts as upper. */
export function isSecretName(name: string): boolean {
  if (name.length > LONGEST_NAME || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return false;
  const upper = name.toUpperCase();
  return !NOT.test(upper) && (NAMES.has(upper) || ENDS.test(upper));
}
