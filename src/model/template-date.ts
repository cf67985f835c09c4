/** The date as Python's strftime writes it, for chat templates that tell the model what day it is. English, whatever the browser speaks. */

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

const padded = (value: number, length = 2): string => String(value).padStart(length, '0');

const DIRECTIVES: Record<string, (date: Date) => string> = {
  '%': () => '%',
  a: (date) => DAYS[date.getDay()]!.slice(0, 3),
  A: (date) => DAYS[date.getDay()]!,
  b: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
  B: (date) => MONTHS[date.getMonth()]!,
  d: (date) => padded(date.getDate()),
  F: (date) => strftime(date, '%Y-%m-%d'),
  H: (date) => padded(date.getHours()),
  I: (date) => padded(date.getHours() % 12 || 12),
  j: (date) => padded(dayOfYear(date), 3),
  m: (date) => padded(date.getMonth() + 1),
  M: (date) => padded(date.getMinutes()),
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  S: (date) => padded(date.getSeconds()),
  T: (date) => strftime(date, '%H:%M:%S'),
  y: (date) => padded(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
};

/** `-` after the percent sign leaves out leading zeros. Directives that no template is known to use stay as they are written. */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)([%a-zA-Z])/g, (written, bare: string, letter: string) => {
    const text = DIRECTIVES[letter]?.(date);
    if (text === undefined) return written;
    return bare ? text.replace(/^0+(?=\d)/, '') : text;
  });
}

/** Days are counted in UTC, where each has 24 hours. */
function dayOfYear(date: Date): number {
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  return (Date.UTC(year, month, day) - Date.UTC(year, 0, 0)) / 86_400_000;
}
