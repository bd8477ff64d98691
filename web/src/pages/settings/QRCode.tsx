import qrcode from 'qrcode-generator';

const QUIET = 4; // modules around it, ISO/IEC 18004

/** A QR code, drawn here: its content goes nowhere. */
export function QRCode({ content, label }: { content: string; label: string }) {
  const qr = qrcode(0, 'M');
  qr.addData(content);
  qr.make();
  const n = qr.getModuleCount();
  const rows = Array.from({ length: n }, (_, y) => Array.from({ length: n }, (__, x) => (qr.isDark(y, x) ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : '')).join('')).join('');
  const side = n + 2 * QUIET;
  return (
    <svg className="qr" viewBox={`0 0 ${side} ${side}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect width={side} height={side} fill="#fff" />
      <path d={rows} fill="#000" />
    </svg>
  );
}
