import { useState } from 'react';
import { words } from '../../api/problem';
import { at, recordings } from '../../api/recordings';
import { useAsked } from '../../ui/asked';
import { RecordingCard } from '../../ui/RecordingCard';
import { useVod } from '../../ui/vod';

const PAGE = 12;

/** The recordings and clips of a channel; nothing where there are none. */
export function Past({ channel, name, visibility }: { channel: string; name: string; visibility: string }) {
  const place = useVod(name, visibility);
  const list = useAsked(() => recordings(channel, PAGE), channel);
  const [failed, setFailed] = useState('');
  const items = list.value?.items.filter((r) => r.state === 'ready') ?? [];
  if (items.length === 0 || place === '') return null;
  const next = list.value?.next ?? '';
  const more = () => {
    recordings(channel, PAGE, next).then((page) => list.put({ items: [...items, ...page.items], next: page.next }), (err: unknown) => setFailed(words(err)));
  };
  return (
    <section className="others" aria-labelledby="past">
      <h2 id="past">Past streams</h2>
      <ul className="grid">{items.map((r) => <RecordingCard key={r.id} recording={at(place, r)} />)}</ul>
      {next !== '' && <p className="past-more"><button type="button" className="button" onClick={more}>Show more</button></p>}
      {failed !== '' && <p role="alert">{failed}</p>}
    </section>
  );
}
