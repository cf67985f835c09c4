/** The control of Learn: a native range slider, its value in the formula, and the way to the proposed g. */

import { chooseG, demoState, g, offer, startDemo } from '../../app/learn-state.ts';
import { G_MAX, G_STEP } from '../../app/link.ts';
import { learn } from '../strings/en/learn.ts';
import { strength } from '../strings/format.ts';

function Formula() {
  const words = learn.formula;
  return (
    <p class="formula" aria-hidden="true">
      <b class="result">{words.result}</b> = <b>{words.sft}</b> {words.plus} <output>{strength(g.value)}</output>{' '}
      {words.times} (<b class="aligned">{words.aligned}</b> {words.minus} <b class="unaligned">{words.unaligned}</b>)
    </p>
  );
}

export function Dial() {
  const onInput = (event: Event) => {
    chooseG((event.currentTarget as HTMLInputElement).valueAsNumber);
    if (demoState.value === 'idle') void startDemo();
  };
  const proposed = offer.value?.g;
  return (
    <section class="dial">
      <label for="g">{learn.dial}</label>
      <output class="value" for="g">
        {strength(g.value)}
      </output>
      <div class="slider">
        <input
          id="g"
          type="range"
          min={0}
          max={G_MAX}
          step={G_STEP}
          value={g.value}
          style={{ '--fill': `${(g.value / G_MAX) * 100}%` }}
          onInput={onInput}
        />
        <div class="ticks" aria-hidden="true">
          {[0, 0.5, 1, 1.5, 2].map((tick) => (
            <span key={tick}>{tick}</span>
          ))}
        </div>
      </div>
      <Formula />
      {proposed !== undefined && proposed !== g.value && (
        <button type="button" class="quiet small" onClick={() => chooseG(proposed)}>
          {learn.proposed(strength(proposed))}
        </button>
      )}
    </section>
  );
}
