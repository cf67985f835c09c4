/** Points in time as people read them, through Intl. Apart from format.ts, which every screen pays for. */

const LANGUAGE = 'en';

const format = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'medium', timeStyle: 'short' });

/** "Nov 23, 2026, 10:41 PM", of milliseconds since 1970. */
export function moment(at: number): string {
  return format.format(at);
}
