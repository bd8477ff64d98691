import { useState } from 'react';
import { api, done } from '../../api/client';
import { words } from '../../api/problem';
import { Password } from '../../form/Field';
import { Form, text } from '../../form/Form';
import { useAsked } from '../../ui/asked';
import { Section } from '../../ui/Section';
import { State } from '../../ui/State';
import { Sure } from '../../ui/Sure';
import { at, type Channel } from './channel';

/** The passphrase of a channel, by which publishers over SRT have to encrypt. */
export function Passphrase({ channel }: { channel: Channel }) {
  const isSet = useAsked(async () => (await done(api.GET('/api/v1/channels/{id}/srt-passphrase', at(channel.id)))).set, channel.id);
  const [failed, setFailed] = useState('');
  const set = async (v: FormData) => {
    await done(api.PUT('/api/v1/channels/{id}/srt-passphrase', { ...at(channel.id), body: { passphrase: text(v, 'passphrase') } }));
    isSet.put(true);
  };
  const remove = () => {
    setFailed('');
    done(api.DELETE('/api/v1/channels/{id}/srt-passphrase', at(channel.id))).then(() => isSet.put(false), (err: unknown) => setFailed(words(err)));
  };
  return (
    <Section title="Encryption of SRT" about="With a passphrase here, encoders that send to this channel over SRT have to be given the same one.">
      {isSet.value === undefined && <State of={isSet} />}
      {isSet.value === false && <p className="quiet">None: what this server asks of everybody counts.</p>}
      {isSet.value === true && (
        <p className="fact">
          <span className="badge badge-good">Set</span> <span>It counts from the next connection on, and is shown to nobody.</span>
          <Sure label="Remove" name="Remove the passphrase" sure="Remove it" onSure={remove}>Then what this server asks of everybody counts.</Sure>
        </p>
      )}
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
      {isSet.value !== undefined && (
        <Form submit={isSet.value ? 'Replace it' : 'Set it'} onSend={set} clear>
          <Password name="passphrase" label="Passphrase" autoComplete="off" minLength={10} maxLength={79} required hint="10 to 79 letters, digits and signs, without blanks." />
        </Form>
      )}
    </Section>
  );
}
