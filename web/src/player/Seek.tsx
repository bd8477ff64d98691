import { useState, type PointerEvent } from 'react';
import { clock } from '../format';
import type { Face } from './face';
import type { Timeline } from './latency';
import { Slider } from './Slider';
import { stillAt, type Strip } from './strip';

/** The whole recording, to go anywhere in it, with what is to be seen there above the pointer. */
export function Seek({ line, strip, controller }: { line: Timeline; strip: Strip; controller: Face }) {
  const [over, setOver] = useState<{ part: number; left: number } | null>(null);
  const long = Math.max(1, Math.round(line.end));
  const look = (e: PointerEvent) => {
    const box = e.currentTarget.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (e.clientX - box.left - KNOB) / Math.max(1, box.width - 2 * KNOB)));
    setOver({ part, left: e.clientX - box.left });
  };
  return (
    <div className="seek" onPointerMove={look} onPointerDown={look} onPointerLeave={() => setOver(null)}>
      {over && <Still at={over.part * line.end} left={over.left} strip={strip} />}
      <Slider className="rewind" label="Position" min={0} max={long} step={1} value={Math.min(long, Math.round(line.at))} text={`${clock(line.at)} of ${clock(line.end)}`} onChange={(v) => controller.seek(v)} />
    </div>
  );
}

/** Half of the slider's knob and its margin, pixels: where its way begins and ends. */
const KNOB = 15;

/** What is to be seen at a time, and which time that is. */
function Still({ at, left, strip }: { at: number; left: number; strip: Strip }) {
  const still = stillAt(strip, at);
  const width = still?.width ?? 60;
  return (
    // as far inside as the picture is wide
    <span className="still" aria-hidden="true" style={{ left: `clamp(${width / 2 + 4}px, ${left}px, calc(100% - ${width / 2 + 4}px))` }}>
      {still && <span className="still-picture" style={{ width: still.width, height: still.height, backgroundImage: `url("${still.url}")`, backgroundPosition: `${-still.x}px ${-still.y}px` }} />}
      <span className="still-time">{clock(at)}</span>
    </span>
  );
}
