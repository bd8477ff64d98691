/** A point in time, in the words of who looks. */
export function Day({ at, time = false }: { at: string; time?: boolean }) {
  const date = new Date(at);
  const shown = time ? date.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' }) : date.toLocaleDateString([], { dateStyle: 'medium' });
  return <time dateTime={at}>{shown}</time>;
}
