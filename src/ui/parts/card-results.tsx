/** The way of a comparison's results into the model card of a merged folder. Nothing is shown where no such folder was compared. */

import { useEffect } from 'preact/hooks';
import { cardFolders, cardProblem, cardsWritten, findCards, writeIntoCard } from '../../app/card-results.ts';
import type { Comparison } from '../../app/compare.ts';
import { compared, promptSet } from '../../app/compare-state.ts';
import { announce } from '../../app/state.ts';
import { compare } from '../strings/en/compare.ts';
import { ErrorBox } from './error-box.tsx';
import { Icon } from './icon.tsx';

const words = compare.card;

export function CardResults({ comparison }: { comparison: Comparison }) {
  useEffect(() => void findCards(compared.value, comparison), [comparison]);
  if (cardFolders.value.length === 0) return null;
  const write = async (folder: (typeof cardFolders.value)[number]) => {
    await writeIntoCard(folder, comparison, promptSet.value?.name ?? '');
    if (cardsWritten.value.has(folder.name)) announce(words.written(folder.name));
  };
  return (
    <div class="keep">
      <h3>{words.title}</h3>
      <p class="soft">{words.use}</p>
      {cardFolders.value.map((folder) => (
        <p key={folder.name} class="row">
          <button type="button" onClick={() => void write(folder)}>
            {words.write(folder.name)}
          </button>
          {cardsWritten.value.has(folder.name) && (
            <span class="soft">
              <Icon name="right" /> {words.written(folder.name)}
            </span>
          )}
        </p>
      ))}
      {cardProblem.value && <ErrorBox problem={cardProblem.value} />}
    </div>
  );
}
