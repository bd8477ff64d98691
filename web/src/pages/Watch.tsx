import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import { useStreams, type Stream } from '../api/streams';
import type { Opened } from '../player/pass';
import { Player } from '../player/Player';
import type { Phase } from '../player/status';
import { useNow } from '../ui/clock';
import { StreamCard } from '../ui/StreamCard';
import { About } from './watch/About';

const Broadcaster = lazy(() => import('./watch/Broadcaster').then((m) => ({ default: m.Broadcaster })));

const ASK_EVERY_MS = 10_000;

/** One stream: the player, what it is, who sends it, and who else is live. The words wait for the first picture. */
export function Watch({ name }: { name: string }) {
  const [phase, setPhase] = useState<Phase>('waiting');
  const { streams } = useStreams(ASK_EVERY_MS, phase);
  const now = useNow(2_000);
  const [shown, setShown] = useState<Stream | null>(null);
  const [opened, setOpened] = useState<Opened | null>(null);
  const show = useCallback((next: Stream | null, channel: Opened | null) => {
    setShown(next);
    setOpened(channel);
  }, []);
  const listed = streams?.find((s) => s.name === name) ?? null;
  const stream = listed ?? (shown?.name === name ? shown : null);
  const others = streams?.filter((s) => s.name !== name) ?? [];
  const [settled, setSettled] = useState(false);
  const [known, setKnown] = useState(false);
  if (!settled && phase !== 'waiting') setSettled(true);
  const live = phase === 'playing' || (stream !== null && phase === 'waiting');
  const state = live ? 'live' : phase === 'error' ? '' : 'offline'; // what went wrong here says nothing of the stream
  useEffect(() => { document.title = [name, state, 'weir'].filter(Boolean).join(' · '); }, [name, state]);
  return (
    <main id="main" className="watch">
      <Player key={name} name={name} listed={streams === null ? null : listed !== null} known={known} renditions={stream?.renditions ?? []} measured={stream?.bitrate ?? 0} onPhase={setPhase} onShown={show} />
      <div className="watch-body">
        <About name={name} stream={stream} state={state} now={now} />
        {settled && streams !== null && stream?.channelId !== '' && <Suspense fallback={null}><Broadcaster name={name} opened={opened} live={live} now={now} onTold={setKnown} /></Suspense>}
        {others.length > 0 && (
          <section className="others" aria-labelledby="others">
            <h2 id="others">Also live</h2>
            <ul className="grid">{others.map((s) => <StreamCard key={s.name} stream={s} now={now} />)}</ul>
          </section>
        )}
      </div>
    </main>
  );
}
