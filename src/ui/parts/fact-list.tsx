/** Names and what they are, as one list. */

import type { ComponentChildren } from 'preact';

/** Rows that have nothing to say (false or undefined) are left out. */
export function FactList({ rows }: { rows: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {rows.map(
        ([name, value]) =>
          value !== false &&
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
