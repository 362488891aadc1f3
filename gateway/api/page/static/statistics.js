/** Numbers of many turns. */

/**
 * The value that a share of all values does not exceed.
 * @param {(number | null)[]} values unknown ones are left out
 * @param {number} share 0.5: the median
 * @returns {number | null}
 */
export function percentile(values, share) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return known.length ? known[Math.max(0, Math.ceil(share * known.length) - 1)] : null;
}

/** @param {number | null} value milliseconds @returns {string} */
export function milliseconds(value) {
  if (value === null) return "–";
  return value < 9999.5 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}
