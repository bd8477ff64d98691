import { sentence } from '../api/problem';
import type { Failure } from './engine';

/** Where the player is, as fine as the words need it. */
export type Status =
  | 'connecting' // asked, no answer yet
  | 'starting' // the stream is there, no picture yet
  | 'playing'
  | 'buffering'
  | 'reconnecting' // the picture has stopped for a while
  | 'refused' // the address opens nothing any more
  | 'offline' // the stream is not live
  | 'ended' // it was, and is over
  | 'unreachable' // no answer from the server
  | 'broken' // the browser could not play it
  | 'unsupported'; // the browser can play neither form

/** The states that the page shows to scripts in data-state. */
export type Phase = 'waiting' | 'playing' | 'offline' | 'error' | 'ended';

const PHASES: Record<Status, Phase> = {
  connecting: 'waiting', starting: 'waiting', playing: 'playing', buffering: 'waiting', reconnecting: 'waiting',
  offline: 'offline', ended: 'ended', refused: 'error', unreachable: 'error', broken: 'error', unsupported: 'error',
};

/** The coarse state of a status. */
export const phase = (status: Status): Phase => PHASES[status];

/** What the viewer reads. */
export interface Words {
  title: string;
  detail: string;
}

/** The words of a status; null when the picture speaks for itself. */
export function words(status: Status, name: string): Words | null {
  switch (status) {
    case 'playing':
    case 'buffering':
    case 'starting':
    case 'connecting':
      return null;
    case 'reconnecting':
      return { title: 'The picture has stopped', detail: 'The broadcaster’s connection may have dropped. It goes on here as soon as it is back.' };
    case 'offline':
      return { title: `${name} is offline`, detail: 'Leave this page open: it starts by itself when the stream begins.' };
    case 'ended':
      return { title: 'The stream has ended', detail: `If ${name} goes live again, it starts here by itself.` };
    case 'refused':
      return { title: 'This link no longer holds', detail: 'It was taken back, or its time is over: ask who gave it to you for a new one.' };
    case 'unreachable':
      return { title: 'No answer from the server', detail: 'Trying again. Check your connection if this stays.' };
    case 'broken':
      return { title: 'This stream does not play here', detail: 'Your browser could not play what it received. Trying again may help, or another player in the settings.' };
    case 'unsupported':
      return { title: 'This browser cannot play the stream', detail: 'It needs Media Source Extensions or HLS. A current Firefox, Chrome, Edge or Safari has them.' };
  }
}

/** The words of a recording's status; null when the picture speaks for itself. */
export function recordedWords(status: Status): Words | null {
  if (status === 'reconnecting') return { title: 'The picture has stopped', detail: 'It goes on as soon as more of it is here.' };
  if (status === 'refused') return { title: 'You can no longer watch this here', detail: 'Load the page again. If that does not help, it is not for everybody any more: ask its owner.' };
  if (status === 'offline' || status === 'ended') return { title: 'This recording is not there', detail: 'It may have been deleted, or not be ready yet.' };
  return words(status, '');
}

/**
 * The words for a viewer who may not watch: `refused` is why no pass was given. `unknown`: the name
 * is not public as far as this page can tell, and no pass was given.
 */
export function denied(status: Status, name: string, refused: string, unknown: boolean): Words | null {
  if (refused !== '' && (status === 'refused' || status === 'offline')) return { title: 'This link does not open the stream', detail: sentence(refused) };
  if (status !== 'offline' || !unknown) return null;
  return { title: `${name} is offline`, detail: 'Leave this page open: it starts by itself when the stream begins. A private channel is watched by who is signed in and invited, or by the link that its owner gave you.' };
}

/** True while there is a picture to control. */
export const controllable = (status: Status): boolean =>
  status === 'playing' || status === 'buffering' || status === 'reconnecting';

/** The status after an attempt has failed. `played`: it had shown a picture. */
export function afterFailure(why: Failure, played: boolean, before: Status): Status {
  if (why === 'network') return 'unreachable';
  if (why === 'media' || why === 'unfit') return 'broken';
  if (why === 'denied') return 'refused';
  if (why === 'hole') return played ? 'reconnecting' : before;
  if (played || before === 'ended' || before === 'reconnecting') return 'ended';
  return 'offline';
}

/** The status when the server has kept a question for a while: nobody is live. */
export function afterSilence(before: Status): Status {
  if (before === 'reconnecting') return 'ended';
  return before === 'connecting' || before === 'unreachable' || before === 'broken' ? 'offline' : before;
}
