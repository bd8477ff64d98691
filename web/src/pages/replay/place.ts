/** "1:05", "2:03:09" or "65" as seconds; null when it is no place. */
export function place(words: string): number | null {
  const parts = words.trim().split(':');
  if (parts.length > 3 || parts.some((p, i) => !(i === parts.length - 1 ? /^\d+([.,]\d+)?$/ : /^\d+$/).test(p))) return null;
  return parts.reduce((sum, p) => sum * 60 + Number(p.replace(',', '.')), 0);
}
