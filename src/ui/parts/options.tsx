/** A choice among a few things that each need a line of meaning: native radio buttons, one below the other. */

import type { ComponentChildren } from 'preact';

interface Options<Id extends string> {
  legend: ComponentChildren;
  /** Of the group in the document. */
  name: string;
  /** None at first, where nothing may be chosen in silence. */
  value: Id | undefined;
  options: Readonly<Record<Id, string>>;
  meanings: Readonly<Record<Id, string>>;
  examples?: Readonly<Record<Id, string>>;
  disabled?: readonly Id[];
  describedBy?: string;
  onChoose(id: Id): void;
}

export function Options<Id extends string>({
  legend,
  name,
  value,
  options,
  meanings,
  examples,
  disabled = [],
  describedBy,
  onChoose,
}: Options<Id>) {
  return (
    <fieldset class="options" aria-describedby={describedBy}>
      <legend>{legend}</legend>
      {(Object.keys(meanings) as Id[]).map((id) => (
        <label key={id}>
          <input
            type="radio"
            name={name}
            checked={value === id}
            disabled={disabled.includes(id)}
            onChange={() => onChoose(id)}
          />
          <span>
            {options[id]} <small>{meanings[id]}</small>
            {examples && <code>{examples[id]}</code>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
