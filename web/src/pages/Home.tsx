import { useEffect } from 'react';
import { publishAddresses, useServer } from '../api/server';
import { useStreams } from '../api/streams';
import { useNow } from '../ui/clock';
import { Line } from '../ui/Line';
import { Link } from '../ui/Link';
import { Mark } from '../ui/Mark';
import { StreamCard } from '../ui/StreamCard';

const ASK_EVERY_MS = 5_000;

/** Who is live, as cards; how to publish when nobody is. */
export function Home() {
  const { streams, failed } = useStreams(ASK_EVERY_MS);
  const now = useNow(2_000);
  useEffect(() => { document.title = 'Live now · weir'; }, []);
  const count = streams?.length ?? 0;
  return (
    <main id="main" className="page">
      <div className="page-head">
        <h1>Live now</h1>
        {count > 0 && <p className="count">{count === 1 ? '1 stream' : `${count} streams`}</p>}
      </div>
      {failed && <p className="notice" role="alert">No answer from the server. What you see may be old; trying again.</p>}
      {streams === null && !failed && <p className="quiet" role="status">Looking for streams…</p>}
      {count > 0 && (
        <ul className={count < 3 ? 'grid grid-few' : 'grid'}>
          {streams?.map((s) => <StreamCard key={s.name} stream={s} now={now} />)}
        </ul>
      )}
      {streams !== null && count === 0 && <Nobody />}
      {count > 0 && <Publish />}
    </main>
  );
}

function Nobody() {
  return (
    <section className="nobody" aria-labelledby="nobody">
      <div className="nobody-words">
        <Mark size={72} />
        <h2 id="nobody">Nobody is live right now</h2>
        <p>This page shows a stream as soon as it begins. To begin one yourself:</p>
      </div>
      <Steps />
    </section>
  );
}

/** The same words while somebody is live, folded away. */
function Publish() {
  return (
    <details className="publish">
      <summary><h2>Publish a stream of your own</h2></summary>
      <Steps />
    </details>
  );
}

function Steps() {
  const server = useServer();
  const addresses = publishAddresses(server, location.hostname || 'localhost');
  return (
    <ol className="steps">
      {server.open ? <ChooseName /> : <MakeKey />}
      <li>
        <h3>Point your encoder here</h3>
        {addresses.length === 0
          ? <p>RTMP is switched off on this server.</p>
          : <p>In OBS: Settings, Stream, Service “Custom”, with {server.open ? 'the name' : 'the key'} as Stream Key.</p>}
        {addresses.length > 0 && <dl>{addresses.map((a) => <Line key={a.url} label={a.label} text={a.url} what={a.label.toLowerCase()} />)}</dl>}
      </li>
      <li className="steps-or">
        <h3>Or send a test picture</h3>
        <p>On the machine that runs weir. Nothing else needs to be installed for it.</p>
        <dl><Line label="Command" text="bin/weir demo --name NAME" what="demo command" /></dl>
      </li>
    </ol>
  );
}

function MakeKey() {
  return (
    <li>
      <h3>Make a stream key</h3>
      <p><Link to="/studio">Go live</Link>, with an account, or on the machine that runs weir. NAME is what viewers see, such as <code>studio</code>. The key for <code>main</code> was printed at the first start.</p>
      <dl><Line label="Command" text="bin/weir key create NAME" what="command" /></dl>
    </li>
  );
}

function ChooseName() {
  return (
    <li>
      <h3>Choose a name</h3>
      <p>Anyone may publish to this server: the key is the name that viewers see, such as <code>studio</code>. Small letters, digits, “-” and “_”.</p>
    </li>
  );
}
