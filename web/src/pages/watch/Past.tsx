import { useState } from 'react';
import { linkOf } from '../../api/addresses';
import { words } from '../../api/problem';
import { at, pageOf, recordings, type Way } from '../../api/recordings';
import { useAsked } from '../../ui/asked';
import { RecordingCard } from '../../ui/RecordingCard';
import { useWay } from '../../ui/vod';

const PAGE = 12;

interface Props {
  channel: string;
  name: string;
  visibility: string;
}

/** The recordings and clips of a channel; nothing where there are none. */
export function Past({ channel, name, visibility }: Props) {
  const [link] = useState(() => linkOf(location.hash));
  const way = useWay(name, visibility, link).value;
  return way === undefined ? null : <List channel={channel} of={visibility === 'public' ? '' : name} link={link} way={way} />;
}

function List({ channel, of, link, way }: { channel: string; of: string; link: string; way: Way }) {
  const list = useAsked(() => recordings(channel, PAGE, '', way), channel);
  const [failed, setFailed] = useState('');
  const items = list.value?.items.filter((r) => r.state === 'ready') ?? [];
  if (items.length === 0) return null;
  const next = list.value?.next ?? '';
  const more = () => {
    recordings(channel, PAGE, next, way).then((page) => list.put({ items: [...items, ...page.items], next: page.next }), (err: unknown) => setFailed(words(err)));
  };
  return (
    <section className="others" aria-labelledby="past">
      <h2 id="past">Past streams</h2>
      <ul className="grid">{items.map((r) => <RecordingCard key={r.id} recording={at(way.place, r)} to={pageOf(r.id, of, of === '' ? '' : link)} />)}</ul>
      {next !== '' && <p className="past-more"><button type="button" className="button" onClick={more}>Show more</button></p>}
      {failed !== '' && <p role="alert">{failed}</p>}
    </section>
  );
}
