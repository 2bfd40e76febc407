// SPDX-License-Identifier: Apache-2.0
/** The kinds of value a setting may have: how each is read, bounded and shown. */
import { DURATION_HINT, formatDuration, parseDuration } from '../lib/duration.ts';
import { nearest } from './nearest.ts';
import { Refusal, type Setting } from './reader.ts';

export function duration(fallback: number, bounds: { min: number; max: number }): Setting<number> {
  return {
    fallback,
    show: formatDuration,
    parse(raw) {
      const ms = typeof raw === 'string' ? parseDuration(raw) : undefined;
      if (ms === undefined) return new Refusal('is no duration', DURATION_HINT);
      if (ms < bounds.min) return new Refusal(`is shorter than ${formatDuration(bounds.min)}, the least allowed`);
      if (ms > bounds.max) return new Refusal(`is longer than ${formatDuration(bounds.max)}, the most allowed`);
      return ms;
    },
  };
}

export function wholeNumber(fallback: number, bounds: { min: number; max: number }): Setting<number> {
  return {
    fallback,
    parse(raw, place) {
      const number = place.textOnly && typeof raw === 'string' && /^\d{1,16}$/.test(raw) ? Number(raw) : raw;
      if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
        return new Refusal('is no whole number', `give a whole number from ${bounds.min} to ${bounds.max}`);
      }
      if (number < bounds.min || number > bounds.max) {
        return new Refusal(
          `is outside ${bounds.min} to ${bounds.max}`,
          `give a whole number from ${bounds.min} to ${bounds.max}`,
        );
      }
      return number;
    },
  };
}

export function flag(fallback: boolean): Setting<boolean> {
  return {
    fallback,
    parse(raw, place) {
      if (typeof raw === 'boolean') return raw;
      if (place.textOnly && raw === 'true') return true;
      if (place.textOnly && raw === 'false') return false;
      return new Refusal('is neither true nor false', 'write true or false');
    },
  };
}

export function oneOf<T extends string>(
  fallback: T,
  choices: readonly T[],
  later: ReadonlyMap<string, string> = new Map(),
): Setting<T> {
  return {
    fallback,
    parse(raw) {
      const chosen = choices.find((choice) => choice === raw);
      if (chosen !== undefined) return chosen;
      const notYet = later.get(String(raw));
      if (notYet !== undefined) return new Refusal(notYet, `use one of: ${choices.join(', ')}`);
      const near = nearest(String(raw), choices);
      return new Refusal(
        `is none of: ${choices.join(', ')}`,
        near === undefined ? `use one of: ${choices.join(', ')}` : `did you mean ${near}?`,
      );
    },
  };
}

export function text<T>(fallback: T, check: (value: string, label: string) => T | Refusal): Setting<T> {
  return {
    fallback,
    show: (value) => (value === undefined ? '' : String(value)),
    parse: (raw, place) =>
      typeof raw === 'string'
        ? check(raw, place.label)
        : new Refusal('is no text', 'put it in quotes if it is meant as text'),
  };
}
