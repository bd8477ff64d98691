import type { components } from '../../api/schema';
import { text } from '../../form/Form';
import type { Channel } from './channel';

type Limits = components['schemas']['Limits'];
export type Changes = components['schemas']['LiveChanges'];
/** What the form of a channel says. */
export type Form = Required<Changes>;

const two = (n: number): string => String(n).padStart(2, '0');

/** An ISO time as a field of date and time has it, in the zone of who looks; "" for none. */
export function localTime(iso: string | undefined): string {
  if (iso === undefined) return '';
  const t = new Date(iso);
  return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}T${two(t.getHours())}:${two(t.getMinutes())}`;
}

/** What such a field says as an ISO time; "" for none. */
export function isoTime(local: string): string {
  const t = local === '' ? Number.NaN : new Date(local).getTime();
  return Number.isNaN(t) ? '' : new Date(t).toISOString();
}

const number = (v: FormData, name: string, unit = 1): number => Math.round(Number(text(v, name).replace(',', '.')) * unit) || 0;

/** What the form of a channel says. */
export function read(v: FormData): Form {
  return {
    title: text(v, 'title').trim(), description: text(v, 'description').trim().replaceAll('\r\n', '\n'), category: text(v, 'category').trim(),
    tags: text(v, 'tags').split(/[\s,]+/).filter(Boolean), language: text(v, 'language'), mature: v.has('mature'),
    visibility: text(v, 'visibility') as Channel['visibility'], record: v.has('record'), takeover: v.has('takeover'), scheduled_at: isoTime(text(v, 'scheduled_at')),
    keep: { days: number(v, 'keep.days'), bytes: number(v, 'keep.bytes', 1e9) },
    limits: {
      bitrate: number(v, 'limits.bitrate', 1e6), height: number(v, 'limits.height'), fps: number(v, 'limits.fps'), duration: number(v, 'limits.duration', 3600),
    },
  };
}

const sameLimits = (a: Limits | undefined, b: Limits): boolean =>
  a !== undefined && a.bitrate === b.bitrate && a.height === b.height && a.fps === b.fps && a.duration === b.duration;

/** What is to be sent: only what differs from the channel, so that what others change elsewhere stays. */
export function changes(c: Channel, form: Form): Changes {
  const was: Form = {
    title: c.title, description: c.description, category: c.category, tags: c.tags ?? [], language: c.language, mature: c.mature, visibility: c.visibility,
    record: c.inside?.record ?? false, takeover: c.inside?.takeover ?? false, scheduled_at: isoTime(localTime(c.scheduled_at)), limits: c.inside?.limits ?? form.limits, keep: c.inside?.keep ?? form.keep,
  };
  const same = (key: keyof Form): boolean => {
    if (key === 'limits') return sameLimits(c.inside?.limits, form.limits);
    if (key === 'keep') return was.keep.days === form.keep.days && was.keep.bytes === form.keep.bytes;
    return key === 'tags' ? was.tags?.join(' ') === form.tags?.join(' ') : was[key] === form[key];
  };
  return Object.fromEntries(Object.entries(form).filter(([key]) => !same(key as keyof Form)));
}
