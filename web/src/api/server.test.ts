import { describe, expect, it } from 'vitest';
import { parseServer, publishAddresses, USUAL } from './server';

describe('parseServer', () => {
  it('reads an answer', () => {
    expect(parseServer({ version: '1.0.0', publish: 'open', rtmp_port: 19350, rtmps_port: 1936, srt_port: 8890, rtsp_port: 8554, host: 'tv.example' })).toEqual({ open: true, host: 'tv.example', rtmp: 19350, rtmps: 1936, srt: 8890, rtsp: 8554 });
    expect(parseServer({ version: '1.0.0', publish: 'key', rtmp_port: 0, rtmps_port: 0 })).toEqual({ open: false, host: '', rtmp: 0, rtmps: 0, srt: 0, rtsp: 0 });
  });

  it.each([undefined, null, 'x', 3, [], {}, { publish: 1, rtmp_port: '1', rtmps_port: -1, host: 7 }, { rtmp_port: 1.5 }, { rtmp_port: 70_000 }])(
    'takes %j as usual', (body) => {
      expect(parseServer(body)).toEqual(USUAL);
    });
});

const urls = (rtmp: number, rtmps: number, host = 'tv.example', srt = 0, rtsp = 0) =>
  publishAddresses({ open: false, host: '', rtmp, rtmps, srt, rtsp }, host).map((a) => a.url);

describe('publishAddresses', () => {
  it('leaves out the ports that encoders know', () => {
    expect(urls(1935, 0)).toEqual(['rtmp://tv.example/live']);
    expect(urls(19350, 443)).toEqual(['rtmp://tv.example:19350/live', 'rtmps://tv.example/live']);
    expect(urls(1935, 1936, '[::1]')).toEqual(['rtmp://[::1]/live', 'rtmps://[::1]:1936/live']);
    expect(urls(0, 0, 'tv.example', 8890)).toEqual(['srt://tv.example:8890?streamid=publish:KEY']);
    expect(urls(0, 0, 'tv.example', 0, 8554)).toEqual(['rtsp://tv.example:8554/live/KEY']);
    expect(urls(0, 0)).toEqual([]);
  });

  it('go to the host that the server tells', () => {
    const all = publishAddresses({ open: false, host: 'in.example', rtmp: 1935, rtmps: 1936, srt: 8890, rtsp: 8554 }, '10.0.0.5');
    expect(all.map((a) => new URL(a.url.replace(/^\w+/, 'http')).hostname)).toEqual(Array(4).fill('in.example'));
  });
});
