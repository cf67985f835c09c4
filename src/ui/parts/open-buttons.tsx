/** The ways in: a folder, several files, a drop. The same for the slots of Merge and the models of Compare. */

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { canWriteFolders } from '../../app/capabilities.ts';
import { folderOfDrop, folderOfFiles, folderOfHandle, pickFolder } from '../../app/folders.ts';
import type { FolderDescription } from '../../files/folder.ts';
import { merge } from '../strings/en/merge.ts';
import { Icon } from './icon.tsx';

const words = merge.open;

interface Opens {
  /** What the model is for: told to those who do not see where the button stands, and the name of loose files. */
  label: string;
  onOpen(coming: Promise<FolderDescription>): void;
}

export function OpenButtons({ label, onOpen }: Opens) {
  const input = useRef<HTMLInputElement>(null);
  const onFiles = () => {
    const files = [...(input.current!.files ?? [])];
    input.current!.value = '';
    onOpen(Promise.resolve().then(() => folderOfFiles(files, label)));
  };
  return (
    <div class="row">
      {canWriteFolders() && (
        <button
          type="button"
          aria-label={`${words.folder}: ${label}`}
          onClick={() => onOpen(pickFolder().then(folderOfHandle))}
        >
          <Icon name="folder" /> {words.folder}
        </button>
      )}
      <button type="button" aria-label={`${words.files}: ${label}`} onClick={() => input.current!.click()}>
        <Icon name="files" /> {words.files}
      </button>
      <input ref={input} type="file" multiple hidden onChange={onFiles} />
    </div>
  );
}

/** Everything inside takes drops. */
export function DropZone({ label, onOpen, children }: Opens & { children: ComponentChildren }) {
  const over = useSignal(0);
  const enter = (by: number) => (event: DragEvent) => {
    event.preventDefault();
    over.value = Math.max(0, over.value + by);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    over.value = 0;
    if (event.dataTransfer) onOpen(folderOfDrop(event.dataTransfer, label));
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is an extra; the buttons inside do the same from a keyboard.
    <div
      class={`drop ${over.value > 0 ? 'over' : ''}`}
      onDragEnter={enter(1)}
      onDragLeave={enter(-1)}
      onDragOver={enter(0)}
      onDrop={drop}
    >
      {children}
    </div>
  );
}
