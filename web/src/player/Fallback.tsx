/** What a viewer reads after WebRTC was chosen and is not possible. */
export const UNFIT = 'WebRTC is not possible here: this is LL-HLS, some seconds behind.';

/** Words over a picture that plays otherwise than it was asked to. "": there are none. */
export function Fallback({ words, close }: { words: string; close: () => void }) {
  return (
    <div role="status" className="fallback">
      {words !== '' && <p>{words} <button type="button" className="textlink" onClick={close}>Close</button></p>}
    </div>
  );
}
