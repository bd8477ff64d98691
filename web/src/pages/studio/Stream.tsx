import { publishAddresses, useServer, type Server } from '../../api/server';
import { usePolled } from '../../ui/asked';
import { Line } from '../../ui/Line';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Camera } from './Camera';
import { atLeast, onAir, type Channel, type Role } from './channel';
import { useHealth } from './health';
import { HealthPanel } from './HealthPanel';
import { Keys } from './Keys';
import { OnAir } from './OnAir';
import { Passphrase } from './Passphrase';

const ASK_EVERY_MS = 3_000;

/** How the stream does, and what the encoder needs. */
export function Stream({ channel, role }: { channel: Channel; role: Role }) {
  const session = usePolled(() => onAir(channel.id), ASK_EVERY_MS, channel.id);
  const server = useServer();
  const heard = useHealth(session.value ? channel.id : '');
  const manages = atLeast(role, 'manager');
  return (
    <>
      {session.value === undefined ? <State of={session} /> : <OnAir channel={channel} session={session.value} heard={heard.health} ended={session.again} />}
      {session.value && <HealthPanel heard={heard} />}
      <Section title="Your encoder" about="In OBS: Settings, Stream, Service “Custom”. H.264 and AAC, with a key frame every 1 or 2 seconds, are passed on as they are."><Addresses server={server} /></Section>
      {manages && <Keys channel={channel} />}
      {manages && server.srt > 0 && <Passphrase channel={channel} />}
      {manages && <Camera channel={channel} />}
    </>
  );
}

function Addresses({ server }: { server: Server }) {
  const addresses = publishAddresses(server, location.hostname || 'localhost');
  return (
    <>
      {addresses.length === 0 && <p>RTMP is switched off on this server.</p>}
      {addresses.length > 0 && <dl className="addresses">{addresses.map((a) => <Line key={a.url} label={a.label} text={a.url} what={a.label.toLowerCase()} />)}</dl>}
      {server.open && <p className="quiet">Anyone may publish here without a key: the stream key is then the channel’s name.</p>}
    </>
  );
}
