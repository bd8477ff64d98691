import { done, open } from '../../api/client';
import { useStreams } from '../../api/streams';
import { useAsked } from '../../ui/asked';
import { useNow } from '../../ui/clock';
import { Day } from '../../ui/Day';
import { Link } from '../../ui/Link';
import { State } from '../../ui/State';
import { StreamCard } from '../../ui/StreamCard';

const ASK_EVERY_MS = 10_000;

/** The channels of a user that everybody may find: those on the air as pictures, the others by name. */
export function Channels({ owner }: { owner: string }) {
  const list = useAsked(async () => (await done(open.GET('/api/v1/channels', { params: { query: { owner, limit: 100 } } }))).items ?? [], owner);
  const { streams } = useStreams(ASK_EVERY_MS);
  const now = useNow(2_000);
  const channels = list.value;
  if (channels === undefined) return <section className="profile-live"><State of={list} /></section>;
  const live = streams?.filter((s) => channels.some((c) => c.name === s.name)) ?? [];
  const rest = channels.filter((c) => !live.some((s) => s.name === c.name));
  return (
    <>
      {live.length > 0 && (
        <section className="profile-live" aria-labelledby="live">
          <h2 id="live">Live now</h2>
          <ul className={live.length < 3 ? 'grid grid-few' : 'grid'}>{live.map((s) => <StreamCard key={s.name} stream={s} now={now} />)}</ul>
        </section>
      )}
      <section className="profile-live" aria-labelledby="channels">
        <h2 id="channels">{live.length > 0 ? 'Other channels' : 'Channels'}</h2>
        {rest.length === 0 && <p className="quiet">{live.length > 0 ? 'None.' : 'None yet.'}</p>}
        <ul className="profile-channels">
          {rest.map((c) => (
            <li key={c.id}>
              <Link to={c.watch}>{c.title || c.name}</Link>
              <span className="quiet">{[c.name, c.category].filter(Boolean).join(' · ')}{c.scheduled_at !== undefined && Date.parse(c.scheduled_at) > now && <> · next <Day at={c.scheduled_at} time /></>}</span>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}
