/** Waiting that ends. */

/** What the work gives, or undefined when that takes longer; what it does afterwards nobody hears. */
export async function withinTime<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  work.catch(() => {}); // told through the race, unless it comes too late to matter
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
