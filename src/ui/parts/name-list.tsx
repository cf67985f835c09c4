/** Names of tensors behind a line that counts them: written out only once it is opened, and to scroll through by keyboard as well. */

import { useSignal } from '@preact/signals';
import { merge } from '../strings/en/merge.ts';
import { count } from '../strings/format.ts';

/** Names to look through; more of them make the page slow and nobody wiser. */
const LISTED = 500;

interface NameList {
  summary: string;
  names: readonly string[];
  /** How many there are, where `names` are only some. */
  total?: number;
  /** A sentence above them. */
  use?: string;
}

export function NameList({ summary, names, total = names.length, use }: NameList) {
  const open = useSignal(false);
  const shown = names.slice(0, LISTED);
  return (
    <details onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>{summary}</summary>
      {use && <p class="soft">{use}</p>}
      {open.value && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1).
        <pre tabIndex={0}>
          {shown.join('\n')}
          {total > shown.length && `\n${merge.fit.more(count(total - shown.length))}`}
        </pre>
      )}
    </details>
  );
}
