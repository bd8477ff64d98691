const PATHS = {
  play: 'M8 5.500v13a1 1 0 0 0 1.530.850l10.300-6.500a1 1 0 0 0 0-1.700L9.530 4.650A1 1 0 0 0 8 5.500z',
  pause: 'M7 5h3.500v14H7zM13.500 5H17v14h-3.500z',
  sound: 'M4 9.500v5h3.500L12 19V5L7.500 9.500zM15 8.200a5 5 0 0 1 0 7.600M17.500 5.500a8.800 8.800 0 0 1 0 13',
  muted: 'M4 9.500v5h3.500L12 19V5L7.500 9.500zM15.500 9.500l5 5M20.500 9.500l-5 5',
  settings: 'M4 7h9M17.500 7H20M4 17h2.500M11 17h9M15.250 4.750v4.500M8.750 14.750v4.500',
  pip: 'M3.500 5.500h17v13h-17zM12 12h6v4.500h-6z',
  full: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  unfull: 'M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5',
  link: 'M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1.200 1.200M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1.200-1.200',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  help: 'M9.200 9a2.900 2.900 0 1 1 4.300 2.600c-1 .550-1.500 1.150-1.500 2.200M12 17.300v.200',
  retry: 'M19 12a7 7 0 1 1-2.200-5.100M19.500 3.500v4.500H15',
} as const;

/** The icons that are filled; all others are drawn as lines. */
const FILLED: ReadonlySet<string> = new Set(['play', 'pause']);

/** The name of an icon. */
export type IconName = keyof typeof PATHS;

/** An icon of 24 units, in the colour of the text around it. Decorative: its button has the label. */
export function Icon({ name, size = 22 }: { name: IconName; size?: number }) {
  return (
    <svg className={FILLED.has(name) ? 'icon icon-filled' : 'icon'} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
