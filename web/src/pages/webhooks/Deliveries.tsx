import { useState } from 'react';
import { words } from '../../api/problem';
import { usePolled } from '../../ui/asked';
import { Day } from '../../ui/Day';
import { State } from '../../ui/State';
import type { Calls, Delivery, Webhook } from './calls';

const ASK_EVERY_MS = 4_000;
const SHOWN = 15;

const STATES = { waiting: ['Waiting', 'badge'], delivered: ['Delivered', 'badge badge-good'], failed: ['Failed', 'badge badge-live'] } as const;

/** What was sent to a webhook lately. */
export function Deliveries({ calls, webhook }: { calls: Calls; webhook: Webhook }) {
  const list = usePolled(() => calls.deliveries(webhook, SHOWN), ASK_EVERY_MS, webhook.id);
  const [failed, setFailed] = useState('');
  const again = (d: Delivery) => {
    setFailed('');
    calls.redeliver(webhook, d).then(list.again, (err: unknown) => setFailed(words(err)));
  };
  return (
    <div className="user-manage">
      {list.value === undefined ? <State of={list} /> : list.value.length === 0 && <p className="quiet">Nothing was sent yet.</p>}
      <ul className="rows rows-small">
        {list.value?.map((d) => (
          <li className="row" key={d.id}>
            <span className="row-main">
              {d.type} <span className={STATES[d.state][1]}>{STATES[d.state][0]}</span>
              <span className="row-facts">
                <Day at={d.created_at} time />{d.status > 0 && ` · answer ${d.status}, ${d.took_ms} ms`}{d.attempts > 1 && ` · ${d.attempts} attempts`}{d.state === 'waiting' && d.next_at !== undefined && <> · next <Day at={d.next_at} time /></>}
              </span>
              {d.error !== undefined && d.error !== '' && <span className="row-facts">{d.error}</span>}
            </span>
            {d.state !== 'waiting' && <button type="button" className="button button-compact" aria-label={`Send again: ${d.type}`} onClick={() => again(d)}>Send again</button>}
          </li>
        ))}
      </ul>
      {failed !== '' && <p className="form-failed" role="alert">{failed}</p>}
    </div>
  );
}
