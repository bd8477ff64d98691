import { useEffect, useState } from 'react';

/** What `GET /api/v1/server` tells about publishing here. */
export interface Server {
  /** True when any name may be published without a key. */
  open: boolean;
  /** The host to publish to, empty when the one of the page will do. */
  host: string;
  /** Ports of the RTMP and the RTMPS listener, 0 when there is none. */
  rtmp: number;
  rtmps: number;
  /** UDP port of SRT, 0 when there is none. */
  srt: number;
  /** Port of RTSP, 0 when there is none. */
  rtsp: number;
}

/** A server as it is without settings; also what is assumed of one that does not tell. */
export const USUAL: Server = { open: false, host: '', rtmp: 1935, rtmps: 0, srt: 0, rtsp: 0 };

const RTMP_PORT = 1935;
/** The port that encoders assume for rtmps:// is the one of HTTPS. */
const RTMPS_PORT = 443;

const port = (v: unknown, usual: number): number =>
  (typeof v === 'number' && Number.isInteger(v) && v >= 0 && v <= 65_535 ? v : usual);

/** Reads the answer; what is missing or no port is as usual. */
export function parseServer(body: unknown): Server {
  if (typeof body !== 'object' || body === null) return USUAL;
  const { publish, host, rtmp_port: rtmp, rtmps_port: rtmps, srt_port: srt, rtsp_port: rtsp } = body as Record<string, unknown>;
  return {
    open: publish === 'open',
    host: typeof host === 'string' ? host : USUAL.host,
    rtmp: port(rtmp, USUAL.rtmp), rtmps: port(rtmps, USUAL.rtmps), srt: port(srt, USUAL.srt), rtsp: port(rtsp, USUAL.rtsp),
  };
}

/** The addresses to publish to, the plain one first; none when all listeners are off. page is the host that the page came from. */
export function publishAddresses(server: Server, page: string): { label: string; url: string }[] {
  const host = server.host || page;
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
