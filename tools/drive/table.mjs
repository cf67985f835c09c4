/** The demo's result as a table for a terminal. */

const LABELS = {
  aligned: 'aligned (the model it started from)',
  unaligned: 'unaligned (trained to comply)',
  sft: 'fine-tuned, before',
  resta: 'fine-tuned + safety vector, after',
  'sft-lora': 'fine-tuned by LoRA, before',
  'resta-lora': 'LoRA + safety vector, after',
};

const percent = ({ count, total }) => `${((100 * count) / total).toFixed(1)} % (${count}/${total})`;

/** @param {{models: {name: string, g?: number, complied: object, refused: object, harmlessRefused: object, task: object}[], requests: {total: number, otherOrigins: number}}} result */
export function demoTable({ models, requests }) {
  const head = ['model', 'g', 'harmful: complied', 'harmful: refused', 'harmless: refused', 'task right'];
  const rows = models.map((row) => [
    LABELS[row.name] ?? row.name,
    row.g === undefined ? '' : String(row.g),
    percent(row.complied),
    percent(row.refused),
    percent(row.harmlessRefused),
    percent(row.task),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd();
  return [
    line(head),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...rows.map(line),
    '',
    `Requests: ${requests.total}, to other origins: ${requests.otherOrigins}.`,
  ].join('\n');
}
