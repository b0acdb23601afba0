/** From the marks of a turn to the rows of its waterfall. Pure. */

const ORDER = [
  "soft_end",
  "transcript_final",
  "first_token",
  "first_clause",
  "first_audio",
  "turn_commit",
  "first_playout",
];

/**
 * @param {Record<string, number>} marksMs after the last voiced sample; a draft's may be before
 *     the mark above it, because stages run side by side
 * @returns {Array<{mark: string, fromMs: number, toMs: number, from: number, share: number}>}
 *     rows in order of time; `from` and `share` are percent of the whole
 */
export function waterfall(marksMs) {
  const known = ORDER.filter((mark) => Number.isFinite(marksMs[mark]));
  known.sort((one, other) => marksMs[one] - marksMs[other]);
  const wholeMs = Math.max(1, ...known.map((mark) => marksMs[mark]));
  let beforeMs = 0;
  return known.map((mark) => {
    const toMs = Math.max(0, marksMs[mark]);
    const row = {
      mark,
      fromMs: beforeMs,
      toMs,
      from: (100 * beforeMs) / wholeMs,
      share: (100 * (toMs - beforeMs)) / wholeMs,
    };
    beforeMs = toMs;
    return row;
  });
}

/** Seconds as people read them: "0.42". */
export function seconds(ms, locale) {
  return new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(ms / 1000);
}
