/** The first step of Merge: what to make, from what, and one slot for each folder it takes. */

import { recipe, setRecipe } from '../../app/merge-recipe.ts';
import { shownRoles, slots, swapSlots, vectorFrom } from '../../app/merge-slots.ts';
import { announce } from '../../app/state.ts';
import type { Role } from '../../merge/recipe/recipe.ts';
import { merge } from '../strings/en/merge.ts';
import { Choices } from './choices.tsx';
import { MergeIcon } from './merge-icon.tsx';
import { RoleSlot, SlotHints } from './role-slot.tsx';

const words = merge.open;

/** float32 unless the person says otherwise: only then is a saved vector worth the two models it came from. */
function make(output: 'model' | 'vector'): void {
  if (output === 'vector') setRecipe({ output, outputDtype: 'F32' });
  else setRecipe({ output: undefined, outputDtype: undefined });
}

function Sources() {
  const output = recipe.value.output ?? 'model';
  return (
    <div class="sources-of">
      <Choices legend={words.make} name="make" value={output} options={words.makes} onChoose={make} />
      {output === 'model' && (
        <Choices
          legend={words.from}
          name="vector-from"
          value={vectorFrom.value}
          options={words.froms}
          onChoose={(from) => {
            vectorFrom.value = from;
          }}
        />
      )}
      {output === 'vector' && <p class="soft">{words.makesVector}</p>}
    </div>
  );
}

function Swap({ a, b }: { a: Role; b: Role }) {
  const titles = [words.roles[a].title, words.roles[b].title.toLowerCase()] as const;
  const shown = shownRoles.value.includes(a) && shownRoles.value.includes(b);
  if (!shown || (slots.value[a].state !== 'open' && slots.value[b].state !== 'open')) return null;
  const swap = () => {
    swapSlots(a, b);
    announce(words.swapped(titles[0], titles[1]));
  };
  return (
    <button type="button" class="quiet small" onClick={swap}>
      <MergeIcon name="swap" /> {words.swap(titles[0].toLowerCase(), titles[1])}
    </button>
  );
}

export function OpenStep() {
  return (
    <>
      <Sources />
      <div class="slots">
        {shownRoles.value.map((role) => (
          <RoleSlot key={role} role={role} />
        ))}
      </div>
      <div class="row swaps">
        <Swap a="sft" b="aligned" />
        <Swap a="aligned" b="unaligned" />
      </div>
      <SlotHints />
    </>
  );
}
