/** The results of a comparison, to keep. */

import { useMemo } from 'preact/hooks';
import { type Comparison, comparisonFiles } from '../../app/compare.ts';
import { compare } from '../strings/en/compare.ts';
import { SaveLinks } from './save-links.tsx';

export function ExportLinks({ comparison }: { comparison: Comparison }) {
  const files = useMemo(
    () => Object.entries(comparisonFiles(comparison)).map(([name, text]) => ({ name, blob: new Blob([text]) })),
    [comparison],
  );
  return (
    <div class="keep">
      <h3>{compare.exported.title}</h3>
      <SaveLinks files={files} />
    </div>
  );
}
