/** Merge: open three models, choose the recipe, write the result. */

import { useEffect } from 'preact/hooks';
import { openDemoModels, ROLES, watchPlan } from '../../app/merge-state.ts';
import { RecipeForm } from '../parts/recipe-form.tsx';
import { RoleSlot, SlotHints } from '../parts/role-slot.tsx';
import { WriteStep } from '../parts/write-step.tsx';
import { merge } from '../strings/en/merge.ts';
import '../styles/merge.css';
import '../styles/results.css';

export function Merge() {
  useEffect(watchPlan, []);
  return (
    <div class="merge">
      <div class="intro">
        <h1>{merge.title}</h1>
        <p class="lead">{merge.lead}</p>
        <button type="button" onClick={openDemoModels}>
          {merge.demo}
        </button>
      </div>
      <section class="step" aria-labelledby="step-open">
        <h2 id="step-open">{merge.open.title}</h2>
        <div class="slots">
          {ROLES.map((role) => (
            <RoleSlot key={role} role={role} />
          ))}
        </div>
        <SlotHints />
      </section>
      <section class="step" aria-labelledby="step-recipe">
        <h2 id="step-recipe">{merge.recipe.title}</h2>
        <RecipeForm />
      </section>
      <section class="step" aria-labelledby="step-write">
        <h2 id="step-write">{merge.write.title}</h2>
        <WriteStep />
      </section>
    </div>
  );
}
