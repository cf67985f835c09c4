/** The recipe as a form, made from the methods' table: a new row there is a new choice here. */

import { useSignal, useSignalEffect } from '@preact/signals';
import type { MethodRow } from '../../../workers/merge.worker.ts';
import {
  chooseMethod,
  method,
  methods,
  recipe,
  recipeText,
  setRecipe,
  slots,
  watchRecipeText,
  writtenFormula,
} from '../../app/merge-state.ts';
import type { MethodParameter } from '../../merge/methods.ts';
import type { Convention, Recipe, Role } from '../../merge/recipe.ts';
import { merge } from '../strings/en/merge.ts';

const words = merge.recipe;

/** Sliders are for ranges that a hand can feel; a seed is typed. */
const SLIDER_STEPS = 200;

function Methods() {
  return (
    <fieldset class="methods">
      <legend>{words.method}</legend>
      {methods.value.map((row) => (
        <label key={row.id} class="choice">
          <input
            type="radio"
            name="method"
            checked={recipe.value.method === row.id}
            onChange={() => chooseMethod(row.id)}
          />
          <span>
            <strong>{row.label}</strong>
            <span class="soft">{row.summary}</span>
          </span>
        </label>
      ))}
      {method.value && (
        <a class="paper" href={method.value.paper.url} title={method.value.paper.title}>
          {words.paper}
        </a>
      )}
    </fieldset>
  );
}

function Parameter({ parameter }: { parameter: MethodParameter }) {
  const { name, label, summary, min, max, step } = parameter;
  const value = recipe.value[name] ?? parameter.default;
  const onInput = (event: Event) => {
    const next = (event.currentTarget as HTMLInputElement).valueAsNumber;
    if (Number.isFinite(next)) setRecipe({ [name]: next });
  };
  const fill = `${Math.min(100, ((value - min) / (max - min)) * 100)}%`;
  return (
    <div class="parameter">
      <label for={`parameter-${name}`}>{label}</label>
      <div class="row">
        {(max - min) / step <= SLIDER_STEPS && (
          <input
            type="range"
            aria-label={label}
            min={min}
            max={max}
            step={step}
            value={value}
            style={{ '--fill': fill }}
            onInput={onInput}
          />
        )}
        <input
          id={`parameter-${name}`}
          type="number"
          min={min}
          max={max}
          step={step}
          value={value}
          onChange={onInput}
        />
      </div>
      <p class="soft">{summary}</p>
    </div>
  );
}

function namesOf(): Partial<Record<Role, string>> {
  const nameOf = (role: Role) => {
    const slot = slots.value[role];
    return slot.state === 'open' ? slot.inspection.name : merge.open.roles[role].title.toLowerCase();
  };
  return { sft: nameOf('sft'), aligned: nameOf('aligned'), unaligned: nameOf('unaligned') };
}

function Formula({ row }: { row: MethodRow }) {
  return (
    <figure class="written">
      <figcaption>{words.formula}</figcaption>
      <code>
        {words.result} = {writtenFormula(row.formula, namesOf(), recipe.value)}
      </code>
    </figure>
  );
}

/** For the terminal, a colleague, a notebook; made only once it is opened. */
function RecipeText() {
  const shown = useSignal(false);
  useSignalEffect(() => (shown.value ? watchRecipeText() : undefined));
  return (
    <details
      class="across"
      onToggle={(event) => {
        shown.value = event.currentTarget.open;
      }}
    >
      <summary>{words.text}</summary>
      <pre class="written">
        <code>{recipeText.value}</code>
      </pre>
      <p class="soft">{words.textUse}</p>
    </details>
  );
}

export function RecipeForm() {
  const row = method.value;
  if (!row) return <p class="soft">…</p>;
  const convention = recipe.value.convention ?? 'harm-tuned';
  return (
    <div class="recipe">
      <Methods />
      <div class="parameters">
        {row.parameters.map((parameter) => (
          <Parameter key={parameter.name} parameter={parameter} />
        ))}
      </div>
      <div class="parameters">
        <div class="parameter">
          <label for="convention">{words.convention}</label>
          <select
            id="convention"
            value={convention}
            onChange={(event) => setRecipe({ convention: event.currentTarget.value as Convention })}
          >
            {Object.entries(words.conventions).map(([id, { label }]) => (
              <option key={id} value={id}>
                {label}
              </option>
            ))}
          </select>
          <p class="soft">{words.conventions[convention].meaning}</p>
        </div>
        <div class="parameter">
          <label for="dtype">{words.dtype}</label>
          <select
            id="dtype"
            value={recipe.value.outputDtype ?? 'same'}
            onChange={(event) =>
              setRecipe({ outputDtype: event.currentTarget.value as NonNullable<Recipe['outputDtype']> })
            }
          >
            {Object.entries(words.dtypes).map(([id, label]) => (
              <option key={id} value={id}>
                {label}
              </option>
            ))}
          </select>
        </div>
      </div>
      <Formula row={row} />
      <RecipeText />
    </div>
  );
}
