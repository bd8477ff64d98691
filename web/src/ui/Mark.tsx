/** The mark of weir: water that comes over the sill. Decorative; the wordmark beside it carries the name. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path className="mark-over" d="M3 9h9c7 0 5.500 14 12.500 14H29" />
      <path className="mark-under" d="M3 16h5.500c3.500 0 4 7 7.500 7" />
    </svg>
  );
}
