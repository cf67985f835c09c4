/** A row of native radio buttons that looks like one switch: for a choice between a few words. */

interface Choices<Id extends string> {
  legend: string;
  /** Of the group in the document. */
  name: string;
  value: Id;
  options: Readonly<Record<Id, string>>;
  /** Those that cannot be chosen; `describedBy` names the element that says why. */
  disabled?: readonly Id[];
  describedBy?: string;
  onChoose(id: Id): void;
}

export function Choices<Id extends string>({
  legend,
  name,
  value,
  options,
  disabled = [],
  describedBy,
  onChoose,
}: Choices<Id>) {
  return (
    <fieldset class="choices" aria-describedby={describedBy}>
      <legend>{legend}</legend>
      <div class="switch">
        {(Object.entries(options) as [Id, string][]).map(([id, label]) => (
          <label key={id}>
            <input
              type="radio"
              name={name}
              checked={value === id}
              disabled={disabled.includes(id)}
              onChange={() => onChoose(id)}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
