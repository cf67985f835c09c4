/** Every prompt with the answers of all models beside each other; filters for what is worth reading. */

import { useSignal } from '@preact/signals';
import { distinctNames } from '../../app/compare.ts';
import {
  compared,
  comparedPrompts,
  comparing,
  ROW_FILTERS,
  type RowFilter,
  rowFilter,
  shownRows,
} from '../../app/compare-state.ts';
import { compare } from '../strings/en/compare.ts';
import { count } from '../strings/format.ts';
import { VerdictChip } from './verdict.tsx';

const words = compare.rows;
/** Rows drawn at a time: thousands of answers would make the page slow to move. */
const PAGE = 50;

function Filters({ last }: { last: string }) {
  return (
    <fieldset class="filters">
      <legend class="unseen">{words.filter}</legend>
      {ROW_FILTERS.map((name: RowFilter) => (
        <label key={name}>
          <input
            type="radio"
            name="rows"
            checked={rowFilter.value === name}
            onChange={() => {
              rowFilter.value = name;
            }}
          />
          <span>{words.filters[name](last)}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function AnswerRows() {
  const most = useSignal(PAGE);
  const names = distinctNames(compared.value.map(({ name }) => name));
  const rows = shownRows.value;
  const left = rows.length - most.value;
  return (
    <section class="step">
      <div class="row spread">
        <h2>{words.title}</h2>
        <Filters last={names.at(-1) ?? ''} />
      </div>
      <p class="soft figures">
        {rows.length === 0 ? words.none : words.shown(count(rows.length), count(comparedPrompts.value.length))}
      </p>
      <ol class="rows">
        {rows.slice(0, most.value).map(({ prompt, answers }) => (
          <li key={prompt.id}>
            <p class="asked">
              <small>
                {words.kinds[prompt.kind]}
                {prompt.category && `, ${prompt.category}`}
              </small>
              {prompt.prompt}
            </p>
            <div class="beside">
              {names.map((name, index) => (
                <div key={name}>
                  <div class="row spread">
                    <small>{name}</small>
                    {(comparing.value || answers[index]) && <VerdictChip answer={answers[index]} kind={prompt.kind} />}
                  </div>
                  <p>{answers[index]?.text}</p>
                </div>
              ))}
            </div>
          </li>
        ))}
      </ol>
      {left > 0 && (
        <p>
          <button
            type="button"
            onClick={() => {
              most.value += PAGE;
            }}
          >
            {words.more(count(Math.min(PAGE, left)))}
          </button>
        </p>
      )}
    </section>
  );
}
