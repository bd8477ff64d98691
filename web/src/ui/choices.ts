type Options = (readonly [value: string, label: string])[];

const NONE = ['', 'Not chosen'] as const;

const TAGS = [
  'ar', 'bg', 'ca', 'cs', 'da', 'de', 'el', 'en', 'es', 'et', 'eu', 'fa', 'fi', 'fr', 'ga', 'gl', 'he', 'hi', 'hr', 'hu', 'id', 'it', 'ja', 'ko',
  'lt', 'lv', 'ms', 'nb', 'nl', 'pl', 'pt', 'pt-BR', 'ro', 'ru', 'sk', 'sl', 'sr', 'sv', 'th', 'tr', 'uk', 'vi', 'zh-Hans', 'zh-Hant',
];

/** Each language by its own name; also the one that is chosen, whatever it is. */
export function languages(chosen: string): Options {
  const tags = chosen === '' || TAGS.includes(chosen) ? TAGS : [chosen, ...TAGS];
  const shown = tags.map((tag) => [tag, nameOf(tag)] as const);
  shown.sort((a, b) => a[1].localeCompare(b[1]));
  return [NONE, ...shown];
}

function nameOf(tag: string): string {
  try {
    return new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag; // no tag at all
  }
}

/** The time zones that the browser knows; also the one that is chosen. */
export function timeZones(chosen: string): Options {
  const zones = Intl.supportedValuesOf('timeZone');
  if (chosen !== '' && !zones.includes(chosen)) zones.unshift(chosen);
  return [NONE, ...zones.map((z) => [z, z.replaceAll('_', ' ')] as const)];
}
