import { useState } from 'react';
import { api, done, session } from '../../api/client';
import { Choice, Field, Text } from '../../form/Field';
import { Form, text } from '../../form/Form';
import type { Own } from '../../session/session';
import { useAsked } from '../../ui/asked';
import { State } from '../../ui/State';
import { languages, timeZones } from '../../ui/choices';
import { Pictures } from './Pictures';
import { Section } from '../../ui/Section';

const LINKS_MAX = 5;

async function read(): Promise<Own> {
  const me = await done(api.GET('/api/v1/users/me'));
  session.know(me);
  return me;
}

/** What others see of one. */
export function Profile() {
  const mine = useAsked(read);
  const me = mine.value;
  if (me === undefined) return <State of={mine} />;
  return (
    <>
      <Section title="Pictures"><Pictures me={me} changed={mine.put} /></Section>
      <Section title="Profile" about={<>What everybody sees at <a href={`/u/${me.username}`}>/u/{me.username}</a>.</>}>
        <Words me={me} changed={mine.put} />
      </Section>
    </>
  );
}

function Words({ me, changed }: { me: Own; changed: (me: Own) => void }) {
  const [links, setLinks] = useState(() => (me.links ?? []).map((l, i) => ({ ...l, key: i })));
  const send = async (v: FormData) => {
    const body = {
      display_name: text(v, 'display_name').trim(), bio: text(v, 'bio').trim(), language: text(v, 'language'), time_zone: text(v, 'time_zone'),
      links: links.map((l) => ({ title: text(v, `title-${l.key}`).trim(), url: text(v, `url-${l.key}`).trim() })).filter((l) => l.title !== '' || l.url !== ''),
    };
    // The pictures change the version too, so it is the one that was read last.
    const next = await done(api.PATCH('/api/v1/users/me', { body, params: { header: { 'If-Match': `"${me.version}"` } } }));
    session.know(next);
    changed(next);
  };
  return (
    <Form submit="Save" onSend={send} done="Saved">
      <Field name="display_name" label="Name" defaultValue={me.display_name} maxLength={50} autoComplete="nickname" hint={`Empty: ${me.username}.`} />
      <Text name="bio" label="About you" defaultValue={me.bio} max={500} />
      <fieldset className="links">
        <legend>Links</legend>
        {links.map((l, i) => (
          <div className="links-row" key={l.key}>
            <Field name={`title-${l.key}`} label={`Title ${i + 1}`} defaultValue={l.title} maxLength={40} placeholder="Website" />
            <Field name={`url-${l.key}`} label={`Address ${i + 1}`} type="url" defaultValue={l.url} maxLength={300} placeholder="https://" />
            <button type="button" className="button button-compact" aria-label={`Remove link ${i + 1}`} onClick={() => setLinks(links.filter((o) => o !== l))}>Remove</button>
          </div>
        ))}
        {links.length < LINKS_MAX && (
          <button type="button" className="button button-compact" onClick={() => setLinks([...links, { title: '', url: '', key: Math.max(-1, ...links.map((l) => l.key)) + 1 }])}>Add a link</button>
        )}
      </fieldset>
      <div className="pair">
        <Choice name="language" label="Language of mails" defaultValue={me.language} options={languages(me.language)} />
        <Choice name="time_zone" label="Time zone" defaultValue={me.time_zone} options={timeZones(me.time_zone)} />
      </div>
    </Form>
  );
}
