import { useEffect, useState } from 'react';
import { soundOnly, useStreams, type Stream } from '../api/streams';
import { bitrate, codecName, frameRate, liveFor, resolution } from '../format';
import { Player } from '../player/Player';
import type { Phase } from '../player/status';
import { useNow } from '../ui/clock';
import { Copy } from '../ui/Copy';
import { StreamCard } from '../ui/StreamCard';

const ASK_EVERY_MS = 10_000;

/** One stream: the player, what it is, and who else is live. */
export function Watch({ name }: { name: string }) {
  const [phase, setPhase] = useState<Phase>('waiting');
  const { streams } = useStreams(ASK_EVERY_MS, phase);
  const now = useNow(2_000);
  const stream = streams?.find((s) => s.name === name) ?? null;
  const others = streams?.filter((s) => s.name !== name) ?? [];
  const live = phase === 'playing' || (stream !== null && phase === 'waiting');
  useEffect(() => { document.title = `${name} · ${live ? 'live' : 'offline'} · weir`; }, [name, live]);
  return (
    <main id="main" className="watch">
      <Player key={name} name={name} listed={streams === null ? null : stream !== null} renditions={stream?.renditions ?? []} measured={stream?.bitrate ?? 0} onPhase={setPhase} />
      <div className="watch-body">
        <About name={name} stream={stream} live={live} now={now} />
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

function About({ name, stream, live, now }: { name: string; stream: Stream | null; live: boolean; now: number }) {
  const known = live ? stream : null;
  const facts = known === null ? [] : [
    soundOnly(known) ? 'Audio only' : resolution(known.width, known.height), frameRate(known.frameRate), bitrate(known.bitrate),
    [known.videoCodec, known.audioCodec].filter(Boolean).map(codecName).join(' + '),
  ].filter(Boolean);
  return (
    <div className="about">
      <div className="about-words">
        <h1>{name}</h1>
        <p className="about-state">
          <span className={live ? 'badge badge-live' : 'badge'}>{live ? 'Live' : 'Offline'}</span>
          {known?.startedAt != null && <Since at={known.startedAt} now={now} />}
        </p>
        {facts.length > 0 && <ul className="facts" aria-label="What the broadcaster sends">{facts.map((f) => <li key={f}>{f}</li>)}</ul>}
      </div>
      <Copy text={`${location.origin}/watch/${name}`} label="Copy link" />
    </div>
  );
}

/** "live for 12 min · since 14:05". */
function Since({ at, now }: { at: number; now: number }) {
  const clock = new Date(at).toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' });
  return <span>{liveFor(at, now)} · since <time dateTime={new Date(at).toISOString()}>{clock}</time></span>;
}
