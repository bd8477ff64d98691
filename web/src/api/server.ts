import { useEffect, useState } from 'react';

/** What `GET /api/v1/server` tells about publishing here. */
export interface Server {
  /** True when any name may be published without a key. */
  open: boolean;
  /** Ports of the RTMP and the RTMPS listener, 0 when there is none. */
  rtmp: number;
  rtmps: number;
  /** UDP port of SRT, 0 when there is none. */
  srt: number;
  /** Port of RTSP, 0 when there is none. */
  rtsp: number;
}

/** A server as it is without settings; also what is assumed of one that does not tell. */
export const USUAL: Server = { open: false, rtmp: 1935, rtmps: 0, srt: 0, rtsp: 0 };

const RTMP_PORT = 1935;
/** The port that encoders assume for rtmps:// is the one of HTTPS. */
const RTMPS_PORT = 443;

const port = (v: unknown, usual: number): number =>
  (typeof v === 'number' && Number.isInteger(v) && v >= 0 && v <= 65_535 ? v : usual);

/** Reads the answer; what is missing or no port is as usual. */
export function parseServer(body: unknown): Server {
  if (typeof body !== 'object' || body === null) return USUAL;
  const { publish, rtmp_port: rtmp, rtmps_port: rtmps, srt_port: srt, rtsp_port: rtsp } = body as Record<string, unknown>;
  return {
    open: publish === 'open',
    rtmp: port(rtmp, USUAL.rtmp), rtmps: port(rtmps, USUAL.rtmps), srt: port(srt, USUAL.srt), rtsp: port(rtsp, USUAL.rtsp),
  };
}

/** The addresses to publish to on a host, the plain one first; none when both listeners are off. */
export function publishAddresses(server: Server, host: string): { label: string; url: string }[] {
  const list = [];
  if (server.rtmp > 0) list.push({ label: 'Server', url: `rtmp://${host}${server.rtmp === RTMP_PORT ? '' : `:${server.rtmp}`}/live` });
  if (server.rtmps > 0) list.push({ label: 'Server, encrypted', url: `rtmps://${host}${server.rtmps === RTMPS_PORT ? '' : `:${server.rtmps}`}/live` });
  if (server.srt > 0) list.push({ label: 'SRT, the key in place of KEY', url: `srt://${host}:${server.srt}?streamid=publish:KEY` });
  if (server.rtsp > 0) list.push({ label: 'RTSP, the key in place of KEY', url: `rtsp://${host}:${server.rtsp}/live/KEY` });
  return list;
}

/** What this server tells, as usual until it has answered or when it does not. */
export function useServer(): Server {
  const [server, setServer] = useState(USUAL);
  useEffect(() => {
    const leave = new AbortController();
    const ask = async () => {
      const answer = await fetch('/api/v1/server', { signal: leave.signal, headers: { accept: 'application/json' } });
      if (answer.ok) setServer(parseServer(await answer.json()));
    };
    ask().catch(() => {}); // the usual words stay
    return () => leave.abort();
  }, []);
  return server;
}
