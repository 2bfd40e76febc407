// SPDX-License-Identifier: Apache-2.0
/**
 * V8 lets a heap grow to about twice what was in use before it collects the old part again, and keeps the pages. Calls that
 * are reset at once leave much garbage there and hold nothing: a flood of them made the daemon larger by 45 MB, and by 10
 * once it may grow by a third only. Said once it serves: a start, which really fills the heap, would collect for nothing.
 */
import { setFlagsFromString } from 'node:v8';

/** V8's `heap_growing_percent` (src/flags/flag-definitions.h). */
const GROWTH_PERCENT = 30;

export function keepHeapSmall(): void {
  // guard: B4 test/cli/heap-growth.test.ts
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
