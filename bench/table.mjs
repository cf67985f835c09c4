/** Rounds, medians and tables: how every benchmark here reports. Figures are medians; min and max tell the noise. */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs every case once per round, in turn, so that drift of the machine hits all alike.
 * @param {Record<string, () => Promise<number>>} cases each returns its figure
 * @returns {Promise<Record<string, number[]>>}
 */
export async function interleave(cases, rounds) {
  const figures = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(cases)) figures[name].push(await measure());
  }
  return figures;
}

/** "median (min to max)" with a sensible number of digits; a single value stands alone. */
export function spread(values, unit = '') {
  const show = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));
  const middle = `${show(median(values))}${unit}`;
  return values.length === 1 ? middle : `${middle} (${show(Math.min(...values))} to ${show(Math.max(...values))})`;
}

/** Prints rows of cells under a head, columns padded; plain Markdown, so that it can be pasted into a note. */
export function printTable(title, head, rows) {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => String(row[column]).length)));
  const line = (cells) => `| ${cells.map((cell, column) => String(cell).padEnd(widths[column])).join(' | ')} |`;
  console.log(`\n${title}\n\n${line(head)}\n|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  for (const row of rows) console.log(line(row));
}
