import { describe, expect, it } from 'vitest';
import { EventReader } from './events';

describe('EventReader', () => {
  it('reads events in whatever pieces they come', () => {
    const text = ':\n\nevent: health\ndata: {"a":\ndata: 1}\n\nid: 7\ndata:x\n\nevent: none\n\nevent: late\nda';
    for (const size of [1, 3, 7, text.length]) {
      const reader = new EventReader();
      const got = [];
      for (let i = 0; i < text.length; i += size) got.push(...reader.read(text.slice(i, i + size)));
      expect(got).toEqual([{ type: 'health', data: '{"a":\n1}' }, { type: 'message', data: 'x' }]);
      expect(reader.read('ta: y\n\n')).toEqual([{ type: 'late', data: 'y' }]);
    }
  });
});
