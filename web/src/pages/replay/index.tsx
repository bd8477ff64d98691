import '../../styles/form.css';
import '../../styles/settings.css';
import '../../styles/broadcaster.css';
import { useEffect, useState } from 'react';
import { linkOf } from '../../api/addresses';
import { at, pageOf, recording, titleOf, type Recording, type Way } from '../../api/recordings';
import { clock, fileSize } from '../../format';
import { ReplayPlayer } from '../../player/ReplayPlayer';
import { useVideo } from '../../player/use';
import { query } from '../../router';
import { usePolled } from '../../ui/asked';
import { Copy } from '../../ui/Copy';
import { Day } from '../../ui/Day';
import { Link } from '../../ui/Link';
import { State } from '../../ui/State';
import { useWay } from '../../ui/vod';
import { Lost } from '../Lost';
import { Cut } from './Cut';
import { usePicture } from './picture';

/** How often a recording is looked at that cannot be played yet. */
const ASK_EVERY_MS = 2_000;
const LOOK_EVERY_MS = 60_000;

/** A recording or clip. */
export function Replay({ id }: { id: string }) {
  const of = query('of'); // the channel, where it is not public: a pass is asked for first
  const [link] = useState(() => linkOf(location.hash));
  const way = useWay(of, of === '' ? 'public' : '', link);
  if (way.value === undefined) return <main id="main" className="page"><State of={way} /></main>;
  return <Found id={id} way={way.value} link={link} />;
}

function Found({ id, way, link }: { id: string; way: Way; link: string }) {
  const [waits, setWaits] = useState(false);
  const asked = usePolled(() => recording(id, way), waits ? ASK_EVERY_MS : LOOK_EVERY_MS, id);
  const r = asked.value;
  if (r !== undefined && r !== null && waits !== (r.state === 'recording')) setWaits(r.state === 'recording');
  useEffect(() => { document.title = `${r ? titleOf(r) : 'Recording'} · weir`; }, [r]);
  if (r === undefined) return <main id="main" className="page"><State of={asked} /></main>;
  if (r === null || r.state === 'deleting') return <Lost title="This recording is not there" words="It may have been deleted, or not be for everybody." />;
  return way.pass === '' ? <Page recording={r} /> : <Film recording={at(way.place, r)} of={r.name} link={link} />;
}

function Page({ recording: bare }: { recording: Recording }) {
  const way = useWay(bare.name, '').value; // whether its channel is public is not told
  if (way === undefined) return <main id="main" className="page"><p className="quiet" role="status">One moment…</p></main>;
  return <Film recording={at(way.place, bare)} of={way.pass === '' ? '' : bare.name} link="" />;
}

function Film({ recording: r, of, link }: { recording: Recording; of: string; link: string }) {
  const video = useVideo();
  const [from] = useState(() => Math.max(0, Number(query('t')) || 0));
  const { media } = r;
  const ready = r.state === 'ready';
  const picture = usePicture(r);
  return (
    <main id="main" className="watch">
      {media !== undefined && (ready || r.kind === 'recording')
        ? <ReplayPlayer title={titleOf(r)} hls={media.hls} dash={media.dash} poster={picture} storyboard={picture === '' ? '' : (media.storyboard ?? '')} renditions={r.renditions ?? []} at={from} video={video} />
        : <div className="player player-none"><p role="status">{r.state === 'failed' ? 'This could not be made.' : 'It is being made: one moment…'}</p></div>}
      <div className="watch-body">
        <About recording={r} of={of} link={link} />
        {r.inside !== undefined && ready && r.channel_id !== undefined && <div className="replay-cut"><Cut recording={r} channel={r.channel_id} video={video} /></div>}
      </div>
    </main>
  );
}

function About({ recording: r, of, link }: { recording: Recording; of: string; link: string }) {
  return (
    <>
      <div className="about">
        <div className="about-words">
          <h1>{titleOf(r)}</h1>
          <p className="about-state">
            <span className="badge">{r.kind === 'clip' ? 'Clip' : 'Recording'}</span>
            <span><Day at={r.started_at} time /></span>
            <span>{clock(r.duration)}</span>
            <Link to={`/watch/${r.name}${link === '' ? '' : `#share=${link}`}`}>{r.name}</Link>
            {r.source !== undefined && <Link to={pageOf(r.source.id, of, link, Math.floor(r.source.start))}>The whole stream</Link>}
          </p>
        </div>
        <span className="replay-tools">
          {r.media?.download !== undefined && <a className="button" href={r.media.download} download>Download<span className="quiet"> {fileSize(r.bytes)}</span></a>}
          <Copy text={location.origin + pageOf(r.id, of, link)} label="Copy link" />
        </span>
      </div>
      {r.description !== '' && <p className="broadcaster-words replay-words">{r.description}</p>}
    </>
  );
}
