import { useRef, useState, type RefObject } from 'react';
import { api, done } from '../../api/client';
import { Refusal } from '../../api/problem';
import { titleOf, type Recording } from '../../api/recordings';
import { Field } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { clock } from '../../format';
import { navigate } from '../../router';
import { Section } from '../../ui/Section';
import { place } from './place';

interface Props {
  recording: Recording;
  channel: string;
  video: RefObject<HTMLVideoElement | null>;
}

/** Makes a clip of a recording, for those who work for its channel. */
export function Cut({ recording: r, channel, video }: Props) {
  const [open, setOpen] = useState(false);
  const start = useRef<HTMLSpanElement>(null);
  if (!open) return <button type="button" className="button" onClick={() => setOpen(true)}>Make a clip of it…</button>;
  const send = async (v: FormData) => {
    const from = place(text(v, 'start'));
    if (from === null) throw new Refusal(422, { errors: [{ name: 'body.start', problem: 'must be a place such as 1:05' }] });
    const made = await done(api.POST('/api/v1/channels/{id}/clips', {
      params: { path: { id: channel } }, body: { source: r.id, start: from, length: Number(text(v, 'length')) || 0, title: text(v, 'title').trim() },
    }));
    navigate(`/replay/${made.id}`);
  };
  const here = () => {
    const field = start.current?.querySelector('input');
    if (field) field.value = clock(video.current?.currentTime ?? 0);
  };
  return (
    <Section title="Make a clip" about="It has whole segments, so it may be some seconds longer than you say.">
      <Form submit="Make the clip" onSend={send}>
        <div className="pair">
          <span ref={start}><Field name="start" label="From" defaultValue={clock(video.current?.currentTime ?? 0)} maxLength={9} required autoFocus hint={<button type="button" className="textlink" onClick={here}>From where it is now</button>} /></span>
          <Field name="length" label="Seconds" type="number" min={1} max={3600} defaultValue={30} required />
        </div>
        <Field name="title" label="Title" maxLength={140} hint={`Empty: ${titleOf(r)}.`} />
        <button type="button" className="textlink" onClick={() => setOpen(false)}>Cancel</button>
      </Form>
    </Section>
  );
}
