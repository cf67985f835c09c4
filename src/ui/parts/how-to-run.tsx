/** Where the models of a comparison run and in what numbers, and what memory that takes. Its summary always says what is chosen. */

import { halvesOffered } from '../../app/compare-ready.ts';
import { compared, comparing } from '../../app/compare-state.ts';
import { outlooks } from '../../app/outlook.ts';
import { runBackend, runPrecision } from '../../app/run-wish.ts';
import type { Precision } from '../../graph/precision.ts';
import type { ModelBackend, ModelWish } from '../../model/generation.ts';
import { running } from '../strings/en/running.ts';
import { Choices } from './choices.tsx';
import { MemoryTable } from './memory-table.tsx';
import { Options } from './options.tsx';

const words = running;

/** "Processor (WebAssembly), float32". @param found where 'auto' leads, once that is known */
export function chosenLine(wish: ModelWish, precision: Precision, found: ModelBackend | undefined): string {
  const backend = wish === 'auto' ? words.automatic(found && words.backends[found]) : words.backends[wish];
  return `${backend}, ${words.precision.names[precision]}`;
}

export function HowToRun() {
  const [first] = compared.value;
  const found = first && outlooks.value.get(first)?.preview?.backend;
  return (
    <details class="how">
      <summary>
        {words.title}: <span>{chosenLine(runBackend.value, runPrecision.value, found)}</span>
      </summary>
      <fieldset class="how-parts" disabled={comparing.value} aria-label={words.title}>
        <Choices
          legend={words.wish.legend}
          name="run-backend"
          value={runBackend.value}
          options={words.wish.options}
          describedBy="run-backend-why"
          onChoose={(wish) => {
            runBackend.value = wish;
          }}
        />
        <p id="run-backend-why" class="soft">
          {words.wish.why}
        </p>
        <Options
          legend={words.precision.legend}
          name="run-precision"
          value={runPrecision.value}
          options={words.precision.names}
          meanings={words.precision.meaning}
          disabled={halvesOffered.value ? [] : ['f16']}
          onChoose={(precision) => {
            runPrecision.value = precision;
          }}
        />
        <p class="soft">
          {words.precision.slower} {words.inTurn}
        </p>
      </fieldset>
      <MemoryTable />
    </details>
  );
}
