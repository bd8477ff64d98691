import { useEffect, useRef, useState, type ReactNode } from 'react';
import { bitrate } from '../format';
import { Icon } from '../ui/icons';
import type { Face, Snapshot } from './face';
import type { EngineKind } from './engine';
import type { Quality } from './quality';

interface Props {
  qualities: Quality[];
  snap: Snapshot;
  controller: Face;
  kind: EngineKind;
  setKind: (kind: EngineKind) => void;
  /** Whether it is live, and not recorded. */
  live: boolean;
  openHelp: () => void;
}

/** "720p" of "720p, source". */
const sizeOf = (q: Quality): string => q.label.split(',')[0] ?? '';

interface ChoiceProps {
  group: string;
  on: boolean;
  choose: () => void;
  children: ReactNode;
  note?: string;
}

function Choice({ group, on, choose, children, note }: ChoiceProps) {
  return (
    <label className="choice">
      <input type="radio" name={group} checked={on} onChange={choose} />
      <span>{children}</span>
      {note && <span className="choice-note">{note}</span>}
    </label>
  );
}

/** The button and the panel with qualities, sounds and players. Escape and a click outside close it. */
export function Settings({ qualities, snap, controller, kind, setKind, live, openHelp }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    const outside = (e: PointerEvent) => {
      if (e.target instanceof Node && !box.current?.contains(e.target)) setOpen(false);
    };
    const escape = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return;
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('keydown', escape);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('keydown', escape);
    };
  }, [open]);

  const now = qualities.find((q) => q.index === snap.current);
  return (
    <div className="settings" ref={box}>
      <button ref={button} type="button" className="tool" aria-label={now ? `Settings, ${sizeOf(now)}` : 'Settings'} title={snap.sounds.length > 1 ? 'Quality, sound and player' : 'Quality and player'} aria-expanded={open} aria-controls="settings" onClick={() => setOpen(!open)}>
        <Icon name="settings" />
        {now && <span className="tool-note">{sizeOf(now)}</span>}
      </button>
      {open && (
        <div className="menu" id="settings">
          {kind !== 'whep' && <fieldset>
            <legend>Quality</legend>
            <Choice group="quality" on={snap.selected < 0} choose={() => controller.select(-1)} {...(now && snap.selected < 0 ? { note: sizeOf(now) } : {})}>Auto</Choice>
            {qualities.map((q) => (
              <Choice key={q.index} group="quality" on={snap.selected === q.index} choose={() => controller.select(q.index)} note={bitrate(q.bitrate)}>{q.label}</Choice>
            ))}
          </fieldset>}
          {snap.sounds.length > 1 && <fieldset>
            <legend>Sound</legend>
            {snap.sounds.map((s) => (
              <Choice key={s.index} group="heard" on={snap.heard === s.index} choose={() => controller.hear(s.index)}>{s.name}</Choice>
            ))}
          </fieldset>}
          <fieldset>
            <legend>Player</legend>
            <Choice group="engine" on={kind === 'hls' || kind === 'native'} choose={() => setKind('hls')}>LL-HLS</Choice>
            {live && <Choice group="engine" on={kind === 'whep'} choose={() => setKind('whep')} note="real time">WebRTC</Choice>}
            <Choice group="engine" on={kind === 'dash'} choose={() => setKind('dash')}>DASH</Choice>
          </fieldset>
          <button type="button" className="menu-button" onClick={() => { setOpen(false); openHelp(); }}>Keyboard shortcuts<kbd>?</kbd></button>
        </div>
      )}
    </div>
  );
}
