/** Files made in the page, as links that save them. Their addresses live as long as the list is shown. */

import { useEffect, useState } from 'preact/hooks';
import { write } from '../strings/en/write.ts';
import { Icon } from './icon.tsx';

export interface SavedFile {
  name: string;
  blob: Blob;
}

/** `files` must stay the same list from one drawing to the next. */
export function SaveLinks({ files }: { files: readonly SavedFile[] }) {
  const [links, setLinks] = useState<{ name: string; href: string }[]>([]);
  useEffect(() => {
    const made = files.map(({ name, blob }) => ({ name, href: URL.createObjectURL(blob) }));
    setLinks(made);
    return () => {
      for (const { href } of made) URL.revokeObjectURL(href);
    };
  }, [files]);
  return (
    <ul class="downloads">
      {links.map(({ name, href }) => (
        <li key={name}>
          <a class="button" href={href} download={name} aria-label={write.done.download(name)}>
            <Icon name="download" /> {name}
          </a>
        </li>
      ))}
    </ul>
  );
}
