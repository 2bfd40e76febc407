// SPDX-License-Identifier: Apache-2.0
/**
 * Which argument of an interpreter's command line is its script: the first that is no option. Options that are not listed
 * here could take the next argument for their value, so they end the search: nothing is guessed. Whoever writes a command
 * line can make it say what they like, and a process may rewrite its own; what is found is *claimed*.
 */
export type ScriptArgument = { readonly script: string } | { readonly reason: string };

interface Interpreter {
  /** Of the executable, without its folder. */
  readonly name: RegExp;
  /** Letters that stand alone or together. */
  readonly flags: string;
  /** Letters whose value is the rest of the word, if there is one. */
  readonly attached?: string;
  /** Letters whose value is the rest of the word, or the next word. */
  readonly valued: string;
  /** Letters with which no file is the program. */
  readonly inline: string;
  readonly long?: readonly string[];
  readonly longValued?: readonly string[];
  readonly longInline?: readonly string[];
}

/** From the interpreters' own help texts. */
const INTERPRETERS: readonly Interpreter[] = [
  {
    name: /^(?:python|pypy)[0-9.]*$/,
    flags: 'bBdEiIOPqsSuvx',
    valued: 'WX',
    inline: 'cmhV',
    longValued: ['--check-hash-based-pycs'],
  },
  {
    name: /^(?:nodejs|node)[0-9]*$/,
    flags: '',
    valued: 'rC',
    inline: 'epivhc',
    long: [
      '--abort-on-uncaught-exception',
      '--allow-addons',
      '--allow-child-process',
      '--allow-wasi',
      '--allow-worker',
      '--disable-sigusr1',
      '--enable-source-maps',
      '--experimental-strip-types',
      '--experimental-vm-modules',
      '--expose-gc',
      '--frozen-intrinsics',
      '--inspect',
      '--inspect-brk',
      '--no-deprecation',
      '--no-experimental-strip-types',
      '--no-warnings',
      '--pending-deprecation',
      '--permission',
      '--preserve-symlinks',
      '--throw-deprecation',
      '--trace-deprecation',
      '--trace-uncaught',
      '--trace-warnings',
      '--use-system-ca',
    ],
    longValued: [
      '--conditions',
      '--env-file',
      '--import',
      '--loader',
      '--require',
      '--title',
      '--unhandled-rejections',
    ],
    longInline: ['--check', '--eval', '--help', '--interactive', '--print', '--run', '--test', '--version'],
  },
  {
    name: /^(?:sh|dash|bash|rbash|ksh[0-9]*|mksh|zsh)$/,
    flags: 'abefhkmnptuvxBCEHPT',
    valued: 'oO',
    inline: 'csli',
    long: ['--login', '--noediting', '--noprofile', '--norc', '--posix', '--restricted', '--verbose'],
    longValued: ['--init-file', '--rcfile'],
    longInline: ['--help', '--version'],
  },
  { name: /^perl[0-9.]*$/, flags: 'acfnpstTuUwWX', attached: '0CdDFilmM', valued: 'I', inline: 'eEhSvVx' },
  {
    name: /^ruby[0-9.]*$/,
    flags: 'acdlnpsUvw',
    attached: '0FiKTW',
    valued: 'EIr',
    inline: 'CehSxy',
    long: ['--jit', '--yjit', '--verbose'],
    longInline: ['--copyright', '--help', '--version'],
  },
  { name: /^php[0-9.]*$/, flags: 'nqez', valued: 'cd', inline: 'aBEFfhHilmrRsSTvw' },
  { name: /^(?:lua|luajit)[0-9.-]*$/, flags: 'EiW', valued: 'lj', inline: 'ebv' },
];

/** `executable`: the path of what runs; `args`: its command line, the name it was called by first. */
export function scriptArgument(executable: string, args: readonly string[]): ScriptArgument {
  const called = executable.slice(executable.lastIndexOf('/') + 1);
  const interpreter = INTERPRETERS.find(({ name }) => name.test(called));
  if (interpreter === undefined) return { reason: 'it runs no interpreter that is known' };
  for (let at = 1; at < args.length; at += 1) {
    const arg = args[at] as string;
    if (arg === '--') return named(args[at + 1]);
    if (!/^[-+]./.test(arg)) return named(arg);
    const step = arg.startsWith('--') ? longOption(interpreter, arg) : letters(interpreter, arg.slice(1));
    if (typeof step !== 'number') return { reason: `option ${JSON.stringify(arg)} ${step}` };
    at += step;
  }
  return named(undefined);
}

function named(script: string | undefined): ScriptArgument {
  if (script === undefined || script === '-' || script === '') return { reason: 'its interpreter was given no script' };
  return { script };
}

const INLINE = 'gives the interpreter its program some other way than in a file';
const UNKNOWN = 'is not known here, and could take what follows for its value';

/** How many of the following words belong to the option, or why the search ends. */
function longOption({ long = [], longValued = [], longInline = [] }: Interpreter, arg: string): number | string {
  const name = arg.split('=', 1)[0] as string;
  if (longInline.includes(name)) return INLINE;
  if (name !== arg || long.includes(name)) return 0;
  return longValued.includes(name) ? 1 : UNKNOWN;
}

function letters({ flags, attached = '', valued, inline }: Interpreter, word: string): number | string {
  for (const [at, letter] of [...word].entries()) {
    if (flags.includes(letter)) continue;
    if (attached.includes(letter)) return 0;
    if (valued.includes(letter)) return at === word.length - 1 ? 1 : 0;
    return inline.includes(letter) ? INLINE : UNKNOWN;
  }
  return 0;
}
