/** A view whose code is fetched when it is first shown. */

import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

export function Lazy({ load, waiting }: { load: () => Promise<ComponentType>; waiting?: string }) {
  const [loaded, setLoaded] = useState<{ View: ComponentType }>();
  useEffect(() => {
    let shown = true;
    void load().then((View) => shown && setLoaded({ View }));
    return () => {
      shown = false;
    };
  }, [load]);
  return loaded ? <loaded.View /> : <p class="waiting">{waiting}</p>;
}
