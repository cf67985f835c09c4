/** Results that an earlier merge left in the browser's own storage: to download, or to delete. */

import { useSignal } from '@preact/signals';
import { deleteOutput, filesOfStored, result, stored } from '../../app/merge-run.ts';
import { announce } from '../../app/state.ts';
import type { StoredOutput } from '../../files/output/stored.ts';
import { write } from '../strings/en/write.ts';
import { bytes } from '../strings/format.ts';
import { MergeIcon } from './merge-icon.tsx';
import { type SavedFile, SaveLinks } from './save-links.tsx';

const words = write.stored;

function Stored({ output }: { output: StoredOutput }) {
  const files = useSignal<readonly SavedFile[]>([]);
  const look = async (open: boolean) => {
    if (open && files.value.length === 0) files.value = await filesOfStored(output.name);
  };
  const remove = async () => {
    await deleteOutput(output.name);
    announce(words.deleted(output.name));
  };
  return (
    <li>
      <p class="row spread">
        <strong>{output.name}</strong> <span class="figures">{bytes(output.bytes)}</span>
      </p>
      <details onToggle={(event) => void look(event.currentTarget.open)}>
        <summary>{words.files}</summary>
        <SaveLinks files={files.value} />
      </details>
      <button type="button" class="small" aria-label={words.deleteLabel(output.name)} onClick={remove}>
        <MergeIcon name="delete" /> {words.delete}
      </button>
    </li>
  );
}

export function StoredResults() {
  // The one just made has its files and its button in its own box.
  const shown = stored.value.filter(({ name }) => !(result.value?.where === 'opfs' && result.value.place === name));
  if (shown.length === 0) return null;
  return (
    <div class="stored">
      <h3>{words.title}</h3>
      <p class="soft">{words.use}</p>
      <ul>
        {shown.map((output) => (
          <Stored key={output.name} output={output} />
        ))}
      </ul>
    </div>
  );
}
